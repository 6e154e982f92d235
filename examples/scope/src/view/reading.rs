//! The figures of what comes in, and what may be done about it: pausing, a pace, the marks.

use eframe::egui::{self, DragValue, Key, RichText, TextEdit, Ui};
use tidegate::{Limit, SocketType, Watermarks};

use super::{View, colors, faint};
use crate::frames::{bytes, grouped};
use crate::session::Command;
use crate::snapshot::{Field, Snapshot};

/// The marks as they are typed in, once they are.
#[derive(Default)]
pub(super) struct Marks {
    typed: Option<(String, String)>,
}

impl Marks {
    fn of(limits: Watermarks) -> (String, String) {
        let high = match limits.high() {
            Limit::Bytes(high) => high.to_string(),
            Limit::Unlimited => String::new(),
        };
        (high, limits.low_bytes().to_string())
    }
}

fn parse(high: &str, low: &str) -> Result<Watermarks, String> {
    let number = |what: &str, typed: &str| {
        let typed = typed.trim();
        typed
            .parse()
            .map_err(|_| format!("the {what}-water mark is a number of bytes, not {typed:?}"))
    };
    let (high, low) = (number("high", high)?, number("low", low)?);
    Watermarks::new(high, low).map_err(|error| error.to_string())
}

/// How many messages are read in a second.
pub(super) struct Pace {
    is_limited: bool,
    most: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            is_limited: false,
            most: 10_000,
        }
    }
}

impl Pace {
    pub(super) fn limit(&self) -> Option<u32> {
        self.is_limited.then_some(self.most)
    }
}

/// Something whose width changes, at a place that does not move what is beside it.
fn in_width(ui: &mut Ui, width: f32, show: impl FnOnce(&mut Ui) -> egui::Response) {
    let size = egui::vec2(width, ui.available_height());
    let left = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(size, left, |ui| {
        ui.set_min_width(width);
        show(ui);
    });
}

impl View {
    pub(super) fn show_reading(&mut self, ui: &mut Ui, snapshot: Option<&Snapshot>) {
        let last = snapshot.and_then(|snapshot| snapshot.samples.back());
        let (rate, byte_rate) = snapshot.map_or((0.0, 0.0), Snapshot::rate);
        ui.horizontal(|ui| {
            // Negative or too large they are not.
            let rate = format!("{} messages/s", grouped(rate.round() as u64));
            let rate = RichText::new(rate).size(22.0).strong().color(colors::RATE);
            in_width(ui, 220.0, |ui| ui.label(rate));
            let byte_rate = format!("{}/s", bytes(byte_rate.round() as u64));
            in_width(ui, 90.0, |ui| ui.label(byte_rate));
            let (sent, pauses) = snapshot.map_or((0, 0), |it| (it.sent, it.pauses));
            let figures = [
                (
                    "received",
                    grouped(last.map_or(0, |last| last.received)),
                    150.0,
                ),
                ("sent", grouped(sent), 90.0),
                ("held back", format!("{} times", grouped(pauses)), 140.0),
            ];
            for (name, figure, width) in figures {
                in_width(ui, width, |ui| {
                    ui.label(faint(name));
                    ui.label(figure)
                });
            }
            self.show_speed(ui);
        });
        let sends_only = matches!(self.kind, SocketType::PUSH | SocketType::PUB);
        ui.add_enabled_ui(Self::is_open(snapshot) && !sends_only, |ui| {
            ui.horizontal_wrapped(|ui| {
                let is_paused = snapshot.is_some_and(|snapshot| snapshot.is_paused);
                let text = if is_paused {
                    "Resume reading"
                } else {
                    "Pause reading"
                };
                if ui.button(text).clicked() {
                    self.ask(Command::Pause(!is_paused));
                }
                ui.separator();
                self.show_pace(ui);
                ui.separator();
                self.show_marks(ui, snapshot);
                self.show_fault(ui, snapshot, Field::Marks);
                if sends_only {
                    ui.label(faint(format!("A {:?} only sends.", self.kind)));
                }
            });
        });
    }

    fn show_speed(&self, ui: &mut Ui) {
        let right = egui::Layout::right_to_left(egui::Align::Center);
        ui.with_layout(right, |ui| {
            let Some(drawn) = self.speed.drawn() else {
                return;
            };
            let text = format!(
                "{:.0} frames/s, {:.1} ms each",
                drawn.per_second, drawn.mean_ms
            );
            ui.label(faint(text)).on_hover_text(format!(
                "Of the last frames the slowest took {:.1} ms, and one stood for {:.0} ms at most.",
                drawn.worst_ms, drawn.longest_ms
            ));
        });
    }

    fn show_pace(&mut self, ui: &mut Ui) {
        let is_limited = ui.checkbox(&mut self.pace.is_limited, "Read at most");
        let most = DragValue::new(&mut self.pace.most)
            .range(1..=10_000_000)
            .speed(100.0)
            .suffix(" messages/s");
        let most = ui.add_enabled(self.pace.is_limited, most);
        if is_limited.changed() || most.changed() {
            self.ask(Command::Pace(self.pace.limit()));
        }
    }

    fn show_marks(&mut self, ui: &mut Ui, snapshot: Option<&Snapshot>) {
        // Before it is open a stream has none.
        let limits = snapshot.map(|snapshot| snapshot.limits);
        let in_force = limits.filter(|limits| *limits != Watermarks::UNLIMITED);
        let typed = self.marks.typed.clone();
        let (mut high, mut low) = typed
            .or_else(|| in_force.map(Marks::of))
            .unwrap_or_default();
        let (mut is_changed, mut is_entered) = (false, false);
        for (name, typed) in [("High-water mark", &mut high), ("Low-water mark", &mut low)] {
            let label = ui.label(name);
            let field = ui.add(TextEdit::singleline(typed).desired_width(80.0));
            let field = field.labelled_by(label.id);
            is_changed |= field.changed();
            is_entered |= field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        }
        ui.label(faint("bytes"));
        if is_changed {
            self.marks.typed = Some((high.clone(), low.clone()));
            self.set_mistake(Field::Marks, None);
        }
        let is_edited = self.marks.typed.is_some();
        let button = ui.add_enabled(is_edited, egui::Button::new("Set marks"));
        if button.clicked() || (is_entered && is_edited) {
            match parse(&high, &low) {
                Ok(marks) => {
                    self.marks.typed = None;
                    self.set_mistake(Field::Marks, None);
                    self.ask(Command::Marks(marks));
                }
                Err(what) => self.set_mistake(Field::Marks, Some(what)),
            }
        }
    }
}
