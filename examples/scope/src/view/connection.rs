//! The top of the window: the socket's type, its endpoints and subscriptions.

use eframe::egui::{self, ComboBox, Key, RichText, TextEdit, Ui};
use tidegate::SocketType;

use super::{View, colored, colors, faint};
use crate::frames;
use crate::session::Command;
use crate::snapshot::{Field, How, Phase, Snapshot};

pub(super) const KINDS: [SocketType; 12] = [
    SocketType::SUB,
    SocketType::PUB,
    SocketType::PULL,
    SocketType::PUSH,
    SocketType::REQ,
    SocketType::REP,
    SocketType::DEALER,
    SocketType::ROUTER,
    SocketType::PAIR,
    SocketType::XSUB,
    SocketType::XPUB,
    SocketType::STREAM,
];

impl View {
    pub(super) fn show_connection(&mut self, ui: &mut Ui, snapshot: Option<&Snapshot>) {
        let (is_open, is_closing) = (Self::is_open(snapshot), Self::is_closing(snapshot));
        ui.horizontal(|ui| {
            let label = ui.label("Socket");
            ui.add_enabled_ui(!is_open && !is_closing, |ui| {
                ComboBox::from_id_salt("type")
                    .selected_text(format!("{:?}", self.kind))
                    .width(90.0)
                    .height(320.0)
                    .show_ui(ui, |ui| {
                        for kind in KINDS {
                            ui.selectable_value(&mut self.kind, kind, format!("{kind:?}"));
                        }
                    })
                    .response
                    .labelled_by(label.id);
            });
            let label = ui.label("Endpoint");
            let field = TextEdit::singleline(&mut self.endpoint).desired_width(300.0);
            let field = ui.add(field).labelled_by(label.id);
            if field.changed() {
                self.set_mistake(Field::Endpoint, None);
            }
            let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            // The next stream comes when this one is gone, for what it loses is said until then.
            ui.add_enabled_ui(!is_closing, |ui| {
                if ui.button("Bind").clicked() {
                    self.attach(ui.ctx(), snapshot, How::Bind);
                }
                let is_clicked = ui.button("Connect").clicked();
                if is_clicked || (is_entered && !is_closing) {
                    self.attach(ui.ctx(), snapshot, How::Connect);
                }
            });
            let right = egui::Layout::right_to_left(egui::Align::Center);
            ui.with_layout(right, |ui| {
                let button = egui::Button::new("Close stream");
                if ui.add_enabled(is_open, button).clicked() {
                    self.ask(Command::Close);
                }
                // Beside it, so that a double click on the other does not drop what is still to be sent.
                if is_closing && ui.button("Close at once").clicked() {
                    self.ask(Command::CloseAtOnce);
                }
                ui.label(phase(snapshot));
            });
        });
        // Always a line, so that what is below stays where it is.
        ui.horizontal_wrapped(|ui| {
            self.show_fault(ui, snapshot, Field::Endpoint);
            let endpoints = snapshot.map_or(&[][..], |snapshot| &snapshot.endpoints[..]);
            if endpoints.is_empty() {
                ui.label(faint("Nothing is bound or connected."));
            }
            for (how, endpoint) in endpoints {
                let (is, undo) = match how {
                    How::Bind => ("bound", "Unbind"),
                    How::Connect => ("connected", "Disconnect"),
                };
                ui.label(faint(is));
                ui.label(RichText::new(endpoint).monospace());
                let button = egui::Button::new(undo).small();
                if ui.add_enabled(!is_closing, button).clicked() {
                    self.ask(Command::Detach(*how, endpoint.clone()));
                }
                ui.add_space(12.0);
            }
        });
        if matches!(self.kind, SocketType::SUB | SocketType::XSUB) {
            self.show_subscriptions(ui, snapshot);
        }
    }

    fn show_subscriptions(&mut self, ui: &mut Ui, snapshot: Option<&Snapshot>) {
        let is_open = Self::is_open(snapshot);
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Messages that begin with");
            let field = TextEdit::singleline(&mut self.prefix)
                .desired_width(160.0)
                .hint_text("anything");
            let field = ui
                .add_enabled(is_open, field)
                .on_disabled_hover_text("Bind or connect first.")
                .labelled_by(label.id);
            let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let button = ui.add_enabled(is_open, egui::Button::new("Subscribe"));
            if button.clicked() || is_entered {
                self.ask(Command::Subscribe(self.prefix.clone().into_bytes()));
            }
            self.show_fault(ui, snapshot, Field::Subscription);
            let subscriptions = snapshot.map_or(&[][..], |snapshot| &snapshot.subscriptions[..]);
            for prefix in subscriptions {
                ui.add_space(12.0);
                ui.label(match &**prefix {
                    [] => faint("subscribed to all"),
                    prefix => RichText::new(frames::one_line(prefix, false)).monospace(),
                });
                let button = egui::Button::new("Unsubscribe").small();
                if ui.add_enabled(is_open, button).clicked() {
                    self.ask(Command::Unsubscribe(prefix.clone()));
                }
            }
            if is_open && subscriptions.is_empty() {
                ui.label(faint("Nothing comes before something is subscribed."));
            }
        });
    }
}

fn phase(snapshot: Option<&Snapshot>) -> RichText {
    match snapshot.map(|snapshot| &snapshot.phase) {
        None => faint("no stream"),
        Some(Phase::Opening) => faint("opening"),
        Some(Phase::Open) => colored("open", colors::GOOD),
        Some(Phase::Closing) => faint("closing"),
        Some(Phase::Closed) => faint("closed"),
        Some(Phase::Failed(_)) => colored("failed", colors::ERROR),
    }
}
