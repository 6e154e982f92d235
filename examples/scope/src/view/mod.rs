//! The window: what it shows, and what can be typed into it. It draws the newest snapshot and asks the session for things; it waits for
//! nobody.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{self, Color32, Context, Frame, RichText, Theme, Ui};
use tidegate::SocketType;

use crate::frames::Notation;
use crate::session::{Command, Session};
use crate::snapshot::{Field, How, Kept, Phase, Snapshot};

mod colors;
mod connection;
mod events;
mod messages;
mod plots;
mod reading;
mod sending;
mod speed;

pub use speed::Speed;

/// How long news wait to be drawn. They come every [tick](crate::snapshot::TICK), and no frame is drawn without.
const WAIT: Duration = Duration::from_millis(10);

/// All that the window remembers.
pub struct View {
    session: Option<Session>,
    kind: SocketType,
    endpoint: String,
    prefix: String,
    marks: reading::Marks,
    pace: reading::Pace,
    message: String,
    notation: Notation,
    /// What is wrong with what was typed in, which no session has seen.
    mistakes: Vec<(Field, String)>,
    /// The message that is shown whole. It stays when it is none of the newest any more.
    chosen: Option<Arc<Kept>>,
    /// How fast the window is drawn.
    pub speed: Speed,
}

impl Default for View {
    fn default() -> Self {
        Self {
            session: None,
            kind: SocketType::SUB,
            endpoint: "tcp://127.0.0.1:5555".to_owned(),
            prefix: String::new(),
            marks: reading::Marks::default(),
            pace: reading::Pace::default(),
            message: String::new(),
            notation: Notation::default(),
            mistakes: Vec::new(),
            chosen: None,
            speed: Speed::default(),
        }
    }
}

/// The look of the window: a dark one, whatever the desktop has.
pub fn dress(context: &Context) {
    context.set_theme(Theme::Dark);
    context.style_mut_of(Theme::Dark, |style| {
        style.visuals.widgets.noninteractive.fg_stroke.color = colors::TEXT;
    });
}

impl View {
    /// Chooses the socket's type by its name.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn set_kind(&mut self, name: &str) -> Result<(), String> {
        let mut kinds = connection::KINDS.into_iter();
        let named = kinds.find(|kind| format!("{kind:?}").eq_ignore_ascii_case(name));
        self.kind = named.ok_or_else(|| format!("there is no socket type {name:?}"))?;
        Ok(())
    }

    /// Fills the field of the endpoint in.
    pub fn set_endpoint(&mut self, endpoint: String) {
        self.endpoint = endpoint;
    }

    /// Draws the window.
    pub fn show(&mut self, ui: &mut Ui) {
        let snapshot = self.session.as_ref().map(Session::look);
        let snapshot = snapshot.as_ref();

        if Self::is_open(snapshot) {
            self.speed.stands_at(ui.input(|input| input.time));
        } else {
            self.speed = Speed::default();
        }

        let area = |ground| Frame::new().inner_margin(8).fill(ground);
        egui::Panel::top("connection")
            .frame(area(colors::BAR))
            .show(ui, |ui| self.show_connection(ui, snapshot));
        egui::Panel::bottom("sending")
            .frame(area(colors::BAR))
            .show(ui, |ui| self.show_sending(ui, snapshot));
        egui::Panel::top("reading")
            .frame(area(colors::GROUND))
            .show(ui, |ui| self.show_reading(ui, snapshot));
        egui::Panel::top("plots")
            .frame(area(colors::GROUND))
            .resizable(true)
            .default_size(250.0)
            .size_range(140.0..=500.0)
            .show(ui, |ui| plots::show(ui, snapshot));
        egui::Panel::right("events")
            .frame(area(colors::GROUND))
            .default_size(330.0)
            .show(ui, |ui| events::show(ui, snapshot));
        egui::Panel::left("messages")
            .frame(area(colors::GROUND))
            .default_size(350.0)
            .show(ui, |ui| self.show_messages(ui, snapshot));
        egui::CentralPanel::default()
            .frame(area(colors::GROUND))
            .show(ui, |ui| self.show_chosen(ui));
    }

    /// Closes the stream, if one is open.
    pub fn close(&mut self) {
        self.session = None;
    }

    /// Whether a stream is there that could be asked for something.
    fn is_open(snapshot: Option<&Snapshot>) -> bool {
        snapshot.is_some_and(|it| !it.is_over() && it.phase != Phase::Closing)
    }

    /// Whether a stream is there that can only be closed at once.
    fn is_closing(snapshot: Option<&Snapshot>) -> bool {
        snapshot.is_some_and(|it| it.phase == Phase::Closing)
    }

    fn ask(&self, command: Command) {
        if let Some(session) = &self.session {
            session.ask(command);
        }
    }

    /// Binds or connects: the first endpoint opens the stream.
    fn attach(&mut self, context: &Context, snapshot: Option<&Snapshot>, how: How) {
        let endpoint = self.endpoint.trim().to_owned();
        self.set_mistake(Field::Endpoint, None);
        if Self::is_open(snapshot) {
            self.ask(Command::Attach(how, endpoint));
            return;
        }
        let context = context.clone();
        let on_news = move || context.request_repaint_after(WAIT);
        match Session::open(self.kind, how, endpoint, on_news) {
            Ok(session) => {
                self.session = Some(session);
                self.chosen = None;
                // What was wrong belongs to the stream before.
                self.mistakes.clear();
                self.marks = reading::Marks::default();
                self.ask(Command::Pace(self.pace.limit()));
            }
            Err(error) => self.set_mistake(Field::Endpoint, Some(format!("no thread: {error}"))),
        }
    }

    fn set_mistake(&mut self, field: Field, mistake: Option<String>) {
        self.mistakes.retain(|(at, _)| *at != field);
        self.mistakes.extend(mistake.map(|what| (field, what)));
    }

    /// Shows, where the field is, what is wrong with what was typed into it, and why what was asked for has failed: neither hides the other.
    fn show_fault(&self, ui: &mut Ui, snapshot: Option<&Snapshot>, field: Field) {
        for (_, what) in self.mistakes.iter().filter(|(at, _)| *at == field) {
            show_error(ui, what);
        }
        if let Some(why) = snapshot.and_then(|snapshot| snapshot.fault(field)) {
            show_error(ui, why);
        }
    }
}

fn show_error(ui: &mut Ui, what: &str) {
    ui.add(egui::Label::new(RichText::new(what).color(colors::ERROR)).wrap());
}

fn heading(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).strong().size(15.0));
}

fn faint(text: impl Into<String>) -> RichText {
    RichText::new(text).color(colors::FAINT)
}

fn colored(text: impl Into<String>, color: Color32) -> RichText {
    RichText::new(text).color(color)
}
