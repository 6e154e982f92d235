//! The newest messages, and the one that was chosen, whole.

use std::sync::Arc;

use eframe::egui::{self, Button, RichText, ScrollArea, Ui};

use super::{View, faint, heading};
use crate::frames::{bytes, dump, grouped, one_line};
use crate::snapshot::{FRAME_BYTES, FRAMES, Kept, MESSAGES, Snapshot};

/// So many frames are named in a message's line.
const NAMED: usize = 4;
/// So many bytes of each.
const NAMED_BYTES: usize = 40;

impl View {
    pub(super) fn show_messages(&mut self, ui: &mut Ui, snapshot: Option<&Snapshot>) {
        ui.take_available_width();
        ui.horizontal(|ui| heading(ui, "Messages"));
        ui.label(faint(format!(
            "The newest {MESSAGES} are kept, the newest on top."
        )));
        let Some(snapshot) = snapshot else {
            return;
        };
        let height = ui.spacing().interact_size.y;
        ScrollArea::vertical()
            .id_salt("messages")
            .auto_shrink(false)
            .show_rows(ui, height, snapshot.messages.len(), |ui, rows| {
                let newest_first = snapshot.messages.iter().rev();
                let shown = newest_first.skip(rows.start).take(rows.len());
                for message in shown {
                    let chosen = self.chosen.as_ref();
                    let is_chosen = chosen.is_some_and(|it| it.number == message.number);
                    let row = Button::selectable(is_chosen, line(message)).truncate();
                    let row = row.min_size(egui::vec2(ui.available_width(), height));
                    let left = egui::Layout::left_to_right(egui::Align::Center)
                        .with_main_align(egui::Align::Min);
                    let row = ui.allocate_ui_with_layout(
                        egui::vec2(ui.available_width(), height),
                        left,
                        |ui| ui.add(row),
                    );
                    if row.inner.clicked() {
                        self.chosen = Some(Arc::clone(message));
                    }
                }
            });
    }

    pub(super) fn show_chosen(&self, ui: &mut Ui) {
        let Some(message) = &self.chosen else {
            ui.horizontal(|ui| heading(ui, "No message chosen"));
            ui.label(faint("Choose one on the left to see its frames."));
            return;
        };
        let number = grouped(message.number);
        ui.horizontal(|ui| heading(ui, &format!("Message {number}")));
        ui.label(faint(format!(
            "{}, {}, after {:.3} s",
            frames(message.all_frames),
            bytes(message.payload_bytes as u64),
            message.at.as_secs_f64(),
        )));
        let area = ScrollArea::both().id_salt("chosen").auto_shrink(false);
        area.show(ui, |ui| {
            for (index, frame) in message.frames.iter().enumerate() {
                let size = bytes(frame.all_bytes as u64);
                ui.label(RichText::new(format!("Frame {}, {size}", index + 1)).strong());
                let dumped = RichText::new(dump(&frame.head)).monospace().size(11.5);
                ui.add(egui::Label::new(dumped).extend());
                if frame.all_bytes > FRAME_BYTES {
                    let more = frame.all_bytes - FRAME_BYTES;
                    ui.label(faint(format!("and {more} bytes that are not kept")));
                }
            }
            if message.all_frames > FRAMES {
                let more = frames(message.all_frames - FRAMES);
                ui.label(faint(format!("and {more} not kept")));
            }
        });
    }
}

fn frames(count: usize) -> String {
    match count {
        1 => "1 frame".to_owned(),
        count => format!("{count} frames"),
    }
}

fn line(message: &Kept) -> RichText {
    let named = message.frames.iter().take(NAMED);
    let named: Vec<_> = named
        .map(|frame| {
            let named = frame.head.get(..NAMED_BYTES).unwrap_or(&frame.head);
            one_line(named, named.len() < frame.all_bytes)
        })
        .collect();
    let more = if message.all_frames > NAMED {
        " …"
    } else {
        ""
    };
    let line = format!("{}  {}{more}", grouped(message.number), named.join("  "));
    RichText::new(line).monospace().size(12.0)
}
