//! The bottom of the window: a message to send.

use eframe::egui::{self, FontId, InputState, Key, Modifiers, ScrollArea, TextEdit, Ui};
use tidegate::SocketType;

use super::{View, faint};
use crate::frames::{self, Notation};
use crate::session::Command;
use crate::snapshot::{Field, Snapshot};

impl View {
    pub(super) fn show_sending(&mut self, ui: &mut Ui, snapshot: Option<&Snapshot>) {
        let is_open = Self::is_open(snapshot);
        let receives_only = matches!(self.kind, SocketType::PULL | SocketType::SUB);
        let may_send = is_open && !receives_only;
        let (label, is_clicked) = ui
            .horizontal(|ui| {
                let label = ui.label("Message").id;
                ui.selectable_value(&mut self.notation, Notation::Text, "Text");
                ui.selectable_value(&mut self.notation, Notation::Hex, "Hex");
                let button = ui.add_enabled(may_send, egui::Button::new("Send"));
                let unsent = snapshot.map_or(0, |snapshot| snapshot.unsent_bytes);
                if receives_only {
                    ui.label(faint(format!("A {:?} only receives.", self.kind)));
                } else if unsent > 0 {
                    let unsent = frames::bytes(unsent as u64);
                    ui.label(faint(format!("{unsent} wait to be sent")));
                } else {
                    ui.label(faint("Each line is a frame. Ctrl+Enter sends."));
                }
                self.show_fault(ui, snapshot, Field::Message);
                (label, button.clicked())
            })
            .inner;
        // As high with one line as with many.
        let area = ScrollArea::vertical()
            .id_salt("message")
            .auto_shrink(false)
            .max_height(50.0);
        let field = area
            .show(ui, |ui| {
                let field = TextEdit::multiline(&mut self.message)
                    .font(FontId::monospace(12.5))
                    .desired_rows(3)
                    .desired_width(f32::INFINITY);
                ui.add(field).labelled_by(label)
            })
            .inner;
        if field.changed() {
            self.set_mistake(Field::Message, None);
        }
        // Only now has the field seen what was typed before the key.
        let pressed =
            |input: &mut InputState| input.count_and_consume_key(Modifiers::COMMAND, Key::Enter);
        let mut times = usize::from(is_clicked);
        if field.has_focus() && may_send {
            times += ui.input_mut(pressed);
        }
        for _ in 0..times {
            self.send();
        }
    }

    fn send(&mut self) {
        match frames::parse(&self.message, self.notation) {
            Ok(frames) => {
                self.set_mistake(Field::Message, None);
                self.ask(Command::Send(frames));
            }
            Err(what) => self.set_mistake(Field::Message, Some(what)),
        }
    }
}
