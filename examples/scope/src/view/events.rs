//! What the monitor tells: connections, handshakes, and what went wrong with them.

use eframe::egui::{Label, RichText, ScrollArea, TextStyle, Ui};
use tidegate::EventKind;

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
                let (what, is_bad) = what(event.kind);
                ui.vertical(|ui| {
                    ui.set_height(height);
                    // The two lines of an event belong together.
                    ui.spacing_mut().item_spacing.y = 0.0;
                    ui.spacing_mut().interact_size.y = 0.0;
                    let color = if is_bad {
                        colors::ERROR
                    } else {
                        ui.visuals().text_color()
                    };
                    ui.horizontal(|ui| {
                        let time = format!("{:8.3} s", at.as_secs_f64());
                        ui.label(faint(time).monospace());
                        ui.add(Label::new(colored(what, color)).truncate());
                    });
                    ui.horizontal(|ui| {
                        ui.add_space(20.0);
                        let mut endpoint = event.endpoint.clone();
                        if event.discarded > 0 {
                            endpoint += &format!("  ({} discarded before)", event.discarded);
                        }
                        let endpoint = RichText::new(endpoint).color(colors::FAINT).monospace();
                        ui.add(Label::new(endpoint).truncate());
                    });
                });
            }
        });
}

/// An event in words, and whether it is something that went wrong.
fn what(kind: EventKind) -> (String, bool) {
    let text = match kind {
        EventKind::Connected { fd } => format!("connected, descriptor {fd}"),
        EventKind::ConnectDelayed { .. } => "connecting".to_owned(),
        EventKind::ConnectRetried { interval_ms } => {
            format!("not connected, again in {interval_ms} ms")
        }
        EventKind::Listening { fd } => format!("bound, descriptor {fd}"),
        EventKind::BindFailed { errno } => return (format!("not bound, errno {errno}"), true),
        EventKind::Accepted { fd } => format!("accepted, descriptor {fd}"),
        EventKind::AcceptFailed { errno } => return (format!("not accepted, errno {errno}"), true),
        EventKind::Closed { fd } => format!("closed, descriptor {fd}"),
        EventKind::CloseFailed { errno } => return (format!("not closed, errno {errno}"), true),
        EventKind::Disconnected { fd } => format!("disconnected, descriptor {fd}"),
        EventKind::MonitorStopped => "monitor stopped".to_owned(),
        EventKind::HandshakeSucceeded => "handshake done".to_owned(),
        EventKind::HandshakeFailedNoDetail { errno } => {
            return (format!("handshake failed, errno {errno}"), true);
        }
        EventKind::HandshakeFailedProtocol { code } => {
            return (format!("handshake failed, protocol error {code:#x}"), true);
        }
        EventKind::HandshakeFailedAuth { status } => {
            return (format!("handshake failed, not let in: {status}"), true);
        }
        other => format!("{other:?}"),
    };
    (text, false)
}
