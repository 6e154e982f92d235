//! The window, found and used by what it tells screen readers, with real peers at the other end.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use scope::view::View;
use tidegate::{Context, SocketType, ZmqStream};

/// After so long what is waited for never comes.
const NEVER: Duration = Duration::from_secs(60);

struct Window {
    harness: Harness<'static, View>,
    repaints: Receiver<()>,
}

impl Window {
    fn new() -> Self {
        let (sender, repaints) = channel();
        let mut harness = Harness::builder()
            .with_size([1200.0, 800.0])
            .build_ui_state(|ui, view: &mut View| view.show(ui), View::default());
        harness.ctx.set_request_repaint_callback(move |_| {
            let _ = sender.send(());
        });
        harness.step();
        Self { harness, repaints }
    }

    /// Draws the window whenever that is asked for, until it shows this.
    fn until(&mut self, is_shown: impl Fn(&Harness<'static, View>) -> bool) {
        let began = Instant::now();
        loop {
            self.harness.step();
            if is_shown(&self.harness) {
                return;
            }
            let left = NEVER.saturating_sub(began.elapsed());
            let is_news = self.repaints.recv_timeout(left).is_ok();
            assert!(is_news && !left.is_zero(), "it is never shown");
        }
    }

    fn until_label(&mut self, part: &str) {
        self.until(|harness| harness.query_all_by_label_contains(part).next().is_some());
    }

    fn until_gone(&mut self, part: &str) {
        self.until(|harness| harness.query_all_by_label_contains(part).next().is_none());
    }

    fn until_closed(&mut self) {
        self.until(|harness| {
            is_disabled(harness, Role::Button, "Close stream")
                && !is_disabled(harness, Role::Button, "Bind")
        });
    }

    fn is_disabled(&self, button: &str) -> bool {
        is_disabled(&self.harness, Role::Button, button)
    }

    fn type_into(&mut self, label: &str, text: &str) {
        self.harness.get_by_label(label).focus();
        self.harness.step();
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.harness.step();
        self.harness.event(Event::Text(text.to_owned()));
        self.harness.step();
        let typed = self.harness.get_by_label(label).value();
        assert_eq!(typed.as_deref(), Some(text));
    }

    fn click(&mut self, label: &str) {
        self.harness
            .get_by_role_and_label(Role::Button, label)
            .click();
        self.harness.step();
        self.harness.step();
    }

    fn choose_kind(&mut self, kind: &str) {
        self.harness.get_by_role(Role::ComboBox).click();
        self.harness.step();
        self.harness.step();
        self.harness
            .get_by_role_and_label(Role::Button, kind)
            .click();
        self.harness.step();
        self.harness.step();
    }

    /// Binds a port that is free.
    fn bind(&mut self) {
        self.type_into("Endpoint", "tcp://127.0.0.1:*");
        self.click("Bind");
        self.until_label("listening");
    }
}

fn is_disabled(harness: &Harness<'static, View>, role: Role, label: &str) -> bool {
    let node = harness.get_by_role_and_label(role, label);
    node.accesskit_node().is_disabled()
}

/// A peer that is bound, of a context of its own.
fn peer(kind: SocketType) -> (ZmqStream, String) {
    let context = Context::new().unwrap();
    let builder = ZmqStream::builder(kind).context(&context);
    let stream = builder.bind("tcp://127.0.0.1:*").open().unwrap();
    let endpoint = stream.bindings()[0].clone();
    (stream, endpoint)
}

#[test]
fn what_a_publisher_sends_is_seen_once_it_is_subscribed() {
    let (xpub, endpoint) = peer(SocketType::XPUB);
    let mut window = Window::new();
    window.type_into("Endpoint", &endpoint);
    window.click("Connect");
    window.until_label("Nothing comes before something is subscribed.");
    window.type_into("Messages that begin with", "news");
    window.click("Subscribe");
    window.until_label("\"news\"");
    assert_eq!(xpub.blocking().read(NEVER).unwrap(), [b"\x01news"]);
    xpub.write(("news", &[1_u8, 2, 255])).unwrap();
    window.until_label("\"news\"  01 02 ff");
    window.until_label("the handshake succeeded");
    // The whole message, once it is chosen.
    let row = window.harness.get_by_label_contains("\"news\"  01 02 ff");
    row.click();
    window.until_label("Frame 2, 3 B");
    window.until_label("0000  01 02 ff");
    // Of long frames the beginning.
    xpub.write(("news", vec![b'x'; 41])).unwrap();
    window.until_label(&format!("\"news\"  \"{}\"…", "x".repeat(40)));
    xpub.write(("news", vec![b'y'; 40], &[0x41_u8, 0xc3]))
        .unwrap();
    window.until_label(&format!("\"{}\"  41 c3", "y".repeat(40)));
}

#[test]
fn a_message_goes_out_and_what_is_wrong_with_it_stands_beside_it() {
    let (pull, endpoint) = peer(SocketType::PULL);
    let mut window = Window::new();
    window.choose_kind("PUSH");
    window.type_into("Endpoint", &endpoint);
    window.click("Connect");
    window.until_label("Each line is a frame.");
    window.until_label("open");
    window.click("Hex");
    window.type_into("Message", "00 0g");
    window.click("Send");
    window.until_label("line 1: 'g' is no hexadecimal digit");
    window.type_into("Message", "00 0f\n\n41\n42");
    window.click("Send");
    assert_eq!(
        pull.blocking().read(NEVER).unwrap(),
        [&[0_u8, 15][..], &[], b"A", b"B"]
    );
    window.until_gone("is no hexadecimal digit");
}

#[test]
fn a_mistake_hides_no_fault_and_is_gone_once_its_field_is_edited_or_another_stream_opened() {
    let mut window = Window::new();
    window.choose_kind("DEALER");
    window.bind();
    window.type_into("Message", "to nobody");
    window.click("Send");
    window.until_label("73 B wait to be sent");
    window.click("Hex");
    window.type_into("Message", "0g");
    window.click("Send");
    window.until_label("line 1: 'g' is no hexadecimal digit");
    window.type_into("Message", "0");
    window.until_gone("is no hexadecimal digit");
    window.click("Send");
    window.until_label("the last byte has one digit");
    window.type_into("High-water mark", "many");
    window.click("Set marks");
    window.until_label("not \"many\"");
    window.type_into("High-water mark", "more");
    window.until_gone("not \"many\"");
    window.click("Set marks");
    window.until_label("not \"more\"");

    window.click("Close stream");
    window.until_label("closing");
    window.click("Close at once");
    window.until_closed();
    window.until_label("lost with the stream: 1 message (73 bytes)");
    window.until_label("the last byte has one digit");
    window.click("Bind");
    window.until_label("listening");
    window.until_gone("lost with the stream");
    for mistake in ["the last byte has one digit", "not \"more\""] {
        let mut shown = window.harness.query_all_by_label_contains(mistake);
        assert!(shown.next().is_none(), "{mistake}");
    }
}

#[test]
fn a_message_is_sent_as_often_as_its_key_is_pressed_though_both_come_in_one_frame() {
    let (pull, endpoint) = peer(SocketType::PULL);
    let mut window = Window::new();
    window.choose_kind("PUSH");
    window.type_into("Endpoint", &endpoint);
    window.click("Connect");
    window.until_label("the handshake succeeded");
    window.type_into("Message", "again");
    // What the harness itself is told to press comes in frames of its own.
    let pressed = Event::Key {
        key: Key::Enter,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::COMMAND,
    };
    let events = &mut window.harness.input_mut().events;
    events.extend([pressed.clone(), pressed]);
    window.harness.step();
    for _ in 0..2 {
        let read = pull.blocking().read(NEVER);
        assert_eq!(read.unwrap(), "again");
    }
    assert_eq!(
        window.harness.get_by_label("Message").value().as_deref(),
        Some("again")
    );
}

#[test]
fn an_endpoint_that_cannot_be_had_is_said_where_it_was_typed() {
    let mut window = Window::new();
    window.type_into("Endpoint", "tcp://nowhere");
    window.click("Bind");
    window.until_label("cannot bind tcp://nowhere: ");
    let said = window
        .harness
        .get_by_label_contains("cannot bind tcp://nowhere: ");
    let field = window.harness.get_by_label("Bind");
    let below = said.rect().top() - field.rect().bottom();
    assert!((0.0..20.0).contains(&below), "{below}");
}

#[test]
fn reading_is_paused_and_resumed_by_one_button() {
    let (push, endpoint) = peer(SocketType::PUSH);
    let mut window = Window::new();
    window.choose_kind("PULL");
    window.type_into("Endpoint", &endpoint);
    window.click("Connect");
    window.until_label("the handshake succeeded");
    window.click("Pause reading");
    window.until_label("Resume reading");
    push.write("held").unwrap();
    window.click("Resume reading");
    window.until_label("Pause reading");
    window.until_label("\"held\"");
}

#[test]
fn marks_that_do_not_fit_are_refused_where_they_were_typed() {
    let mut window = Window::new();
    window.choose_kind("PULL");
    window.bind();
    window.type_into("High-water mark", "10");
    window.click("Set marks");
    window.until_label("high-water mark of 10 bytes is under the low-water mark of 16384 bytes");
    window.type_into("Low-water mark", "5");
    window.click("Set marks");
    window.until_gone("is under");
}

#[test]
fn what_belongs_to_reading_can_be_asked_for_of_a_type_that_reads() {
    for (kind, reads) in [("PUSH", false), ("PUB", false), ("PULL", true)] {
        let mut window = Window::new();
        window.choose_kind(kind);
        window.bind();
        assert_eq!(window.is_disabled("Pause reading"), !reads, "{kind}");
        for (role, label) in [
            (Role::CheckBox, "Read at most"),
            (Role::TextInput, "High-water mark"),
            (Role::TextInput, "Low-water mark"),
        ] {
            let is_disabled = is_disabled(&window.harness, role, label);
            assert_eq!(is_disabled, !reads, "{kind}: {label}");
        }
        let said = window.harness.query_by_label_contains("only sends");
        assert_eq!(said.is_none(), reads, "{kind}");
    }
}

#[test]
fn events_that_are_too_many_are_counted_where_the_others_are_shown() {
    let mut window = Window::new();
    window.choose_kind("PULL");
    window.bind();
    window.until_label("0 discarded");
    // Beside its endpoint's button, and at the event.
    let mut bound = window.harness.get_all_by_label_contains("tcp://127.0.0.1:");
    let address = bound.next().unwrap().value().unwrap().replace("tcp://", "");
    drop(bound);
    let is_over = Arc::new(AtomicBool::new(false));
    let visitors = thread::spawn({
        let is_over = is_over.clone();
        move || {
            while !is_over.load(Ordering::Relaxed) {
                let come_and_gone: Vec<_> =
                    (0..200).map(|_| TcpStream::connect(&address)).collect();
                drop(come_and_gone);
            }
        }
    });
    window.until(|harness| {
        let mut counts = harness.query_all_by_label_contains(" discarded");
        counts.any(|count| count.value().is_some_and(|text| text != "0 discarded"))
    });
    is_over.store(true, Ordering::Relaxed);
    visitors.join().unwrap();
}

#[test]
fn a_stream_is_closed_by_its_button_and_another_type_can_be_opened() {
    let mut window = Window::new();
    window.bind();
    window.click("Close stream");
    window.until_closed();
    window.choose_kind("REP");
    window.click("Bind");
    window.until_label("listening");
}

#[test]
fn what_is_lost_with_a_stream_is_said_where_it_was_typed_and_waits_no_more() {
    let mut window = Window::new();
    window.choose_kind("PUSH");
    window.bind();
    window.type_into("Message", "to nobody");
    window.click("Send");
    window.until_label("73 B wait to be sent");
    let at_once = window.harness.query_by_label("Close at once");
    assert!(at_once.is_none());
    let place = window.harness.get_by_label("Close stream").rect();
    window.click("Close stream");
    // It waits for a peer, and takes nothing else meanwhile.
    window.until_label("closing");
    for button in [
        "Bind",
        "Connect",
        "Unbind",
        "Send",
        "Pause reading",
        "Close stream",
    ] {
        assert!(window.is_disabled(button), "{button}");
    }
    assert!(!window.is_disabled("Close at once"));
    let at_once = window.harness.get_by_label("Close at once");
    // Whoever clicks twice does not drop it.
    assert!(!at_once.rect().intersects(place));
    window.click("Close at once");
    window.until_closed();
    window.until_label("lost with the stream: 1 message (73 bytes)");
    window.until_gone("wait to be sent");
}

#[test]
fn the_rates_of_a_stream_that_is_closed_are_those_of_none_and_what_was_counted_stays() {
    let (push, endpoint) = peer(SocketType::PUSH);
    let mut window = Window::new();
    window.choose_kind("PULL");
    window.type_into("Endpoint", &endpoint);
    window.click("Connect");
    window.until_label("the handshake succeeded");
    window.type_into("High-water mark", "100");
    window.type_into("Low-water mark", "0");
    window.click("Set marks");
    let at_most = window
        .harness
        .get_by_role_and_label(Role::CheckBox, "Read at most");
    at_most.click();
    // More than is read while this test looks.
    for _ in 0..500_000 {
        push.write("much").unwrap();
    }
    window.until(|harness| {
        let is_shown = |figure| harness.query_by_label(figure).is_some();
        !is_shown("0 messages/s") && !is_shown("0 B/s") && !is_shown("0 times")
    });
    window.click("Close stream");
    window.until_closed();
    window.harness.get_by_label("0 messages/s");
    window.harness.get_by_label("0 B/s");
    let never = window.harness.query_by_label("0 times");
    assert!(never.is_none());
    window.harness.get_by_label_contains(" times");
    push.abort();
}
