//! What the monitor tells: connections, handshakes, and what went wrong with them.

use eframe::egui::{Label, RichText, ScrollArea, TextStyle, Ui};
use tidegate::{EventKind, SocketEvent};

use super::{colored, colors, faint, heading, show_error};
use crate::frames::grouped;
use crate::snapshot::{EVENTS, Field, Snapshot};

pub(super) fn show(ui: &mut Ui, snapshot: Option<&Snapshot>) {
    ui.take_available_width();
    let discarded = snapshot.map_or(0, |snapshot| snapshot.discarded_events);
    ui.horizontal(|ui| {
        heading(ui, "Events");
        let text = format!("{} discarded", grouped(discarded));
        ui.label(match discarded {
            0 => faint(text),
            _ => colored(text, colors::ERROR),
        });
    });
    ui.label(faint(format!(
        "The newest {EVENTS} are kept, the newest on top."
    )));
    let Some(snapshot) = snapshot else {
        return;
    };
    if let Some(why) = snapshot.fault(Field::Events) {
        show_error(ui, why);
    }
    let height = 2.0 * ui.text_style_height(&TextStyle::Body);
    ScrollArea::vertical()
        .id_salt("events")
        .auto_shrink(false)
        .show_rows(ui, height, snapshot.events.len(), |ui, rows| {
            let newest_first = snapshot.events.iter().rev();
            for (at, event) in newest_first.skip(rows.start).take(rows.len()) {
                // Its endpoint stands in the second line.
                let what = SocketEvent {
                    endpoint: String::new(),
                    ..**event
                };
                ui.vertical(|ui| {
                    ui.set_height(height);
                    // The two lines of an event belong together.
                    ui.spacing_mut().item_spacing.y = 0.0;
                    ui.spacing_mut().interact_size.y = 0.0;
                    let color = if is_bad(event.kind) {
                        colors::ERROR
                    } else {
                        ui.visuals().text_color()
                    };
                    ui.horizontal(|ui| {
                        let time = format!("{:8.3} s", at.as_secs_f64());
                        ui.label(faint(time).monospace());
                        ui.add(Label::new(colored(what.to_string(), color)).truncate());
                    });
                    ui.horizontal(|ui| {
                        ui.add_space(20.0);
                        let endpoint = RichText::new(&event.endpoint)
                            .color(colors::FAINT)
                            .monospace();
                        ui.add(Label::new(endpoint).truncate());
                    });
                });
            }
        });
}

/// Whether it is something that went wrong.
fn is_bad(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::BindFailed { .. }
            | EventKind::AcceptFailed { .. }
            | EventKind::CloseFailed { .. }
            | EventKind::HandshakeFailedNoDetail { .. }
            | EventKind::HandshakeFailedProtocol { .. }
            | EventKind::HandshakeFailedAuth { .. }
    )
}
