//! The program itself, in a window of a real X server, with the keyboard and the mouse of xdotool. Needs `DISPLAY`, with a screen of
//! 1200 × 800 at least and no window manager.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tidegate::{Context, SocketType, ZmqStream};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat, InputFocus, MapState,
    Window,
};
use x11rb::rust_connection::RustConnection;

/// After so long what is waited for never comes.
const NEVER: Duration = Duration::from_secs(120);

/// A window is gone sooner than this, though its stream would go on sending for twice as long.
const AT_ONCE: Duration = Duration::from_secs(15);

/// Where these fields are.
const ENDPOINT: (i16, i16) = (350, 18);
const MESSAGE: (i16, i16) = (600, 745);

/// A part of the screen.
struct Place {
    left: i16,
    top: i16,
    width: u16,
    height: u16,
}

const WHOLE: Place = Place {
    left: 0,
    top: 0,
    width: 1200,
    height: 800,
};
/// Of the plot of the rate, but for the axes, and the lowest part, where the curve of nothing is.
const RATES: Place = Place {
    left: 820,
    top: 162,
    width: 365,
    height: 160,
};
/// Where the message's first characters are.
const TYPED: Place = Place {
    left: 11,
    top: 732,
    width: 100,
    height: 20,
};

/// A color: blue, green, red.
type Color = [u8; 3];

/// The figure of the rate and its curve, and their edges; not the grid.
fn is_green([blue, green, red]: &Color) -> bool {
    *green > 100 && green - red.min(green) > 40 && green - blue.min(green) > 30
}

/// A character, and its edges; neither the cursor nor the frame of a field, which are bluer.
fn is_gray_and_bright(color: &Color) -> bool {
    let (least, most) = (color.iter().min().unwrap(), color.iter().max().unwrap());
    *least > 120 && most - least < 40
}

/// Waits until there is something. What an X server or another process does tells nobody that it is done.
fn until<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(began.elapsed() < NEVER, "{what} never comes");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The program with its window, which has the keyboard. It does not outlive the test.
struct Scope {
    process: Child,
    window: Window,
}

impl Scope {
    fn start(screen: &Screen, arguments: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_scope"));
        let program = program.args(arguments).stderr(Stdio::piped());
        let process = program.spawn().unwrap();
        let mut scope = Self { process, window: 0 };
        scope.window = until("the window", || screen.window("tidegate scope"));
        let x = &screen.x;
        x.set_input_focus(InputFocus::PARENT, scope.window, 0_u32)
            .unwrap();
        x.flush().unwrap();
        until("a picture", || screen.shows(&WHOLE, is_green).then_some(()));
        scope
    }

    /// Waits until the program has ended well, as it was just asked to, and gives what it has said.
    fn wait_for_end(mut self) -> String {
        let began = Instant::now();
        let status = until("the end", || self.process.try_wait().unwrap());
        let took = began.elapsed();
        assert!(took < AT_ONCE, "{took:?}");
        let mut said = String::new();
        let mut errors = self.process.stderr.take().unwrap();
        errors.read_to_string(&mut said).unwrap();
        assert!(status.success(), "{status}: {said}");
        said
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Screen {
    x: RustConnection,
    root: Window,
}

/// One test has it at a time. It stays connected, for an X server may begin anew when its last client leaves.
static SCREEN: LazyLock<Mutex<Screen>> = LazyLock::new(|| {
    let (x, screen) = x11rb::connect(None).expect("an X server");
    let root = x.setup().roots[screen].root;
    Mutex::new(Screen { x, root })
});

impl Screen {
    fn for_one_test() -> MutexGuard<'static, Self> {
        SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn atom(&self, name: &str) -> u32 {
        let atom = self.x.intern_atom(false, name.as_bytes()).unwrap();
        atom.reply().unwrap().atom
    }

    /// The window of this title, once it is there to be seen.
    fn window(&self, title: &str) -> Option<Window> {
        let tree = self.x.query_tree(self.root).unwrap().reply().ok()?;
        let name = self.atom("_NET_WM_NAME");
        tree.children.into_iter().find(|window| {
            let title_is = self
                .x
                .get_property(false, *window, name, AtomEnum::ANY, 0, 64);
            let title_is = title_is.unwrap().reply();
            let attributes = self.x.get_window_attributes(*window).unwrap().reply();
            let is_shown = attributes.is_ok_and(|it| it.map_state == MapState::VIEWABLE);
            is_shown && title_is.is_ok_and(|it| it.value == title.as_bytes())
        })
    }

    /// The colors that are to be seen there.
    fn pixels(&self, place: &Place) -> Vec<Color> {
        let Place {
            left,
            top,
            width,
            height,
        } = *place;
        let format = ImageFormat::Z_PIXMAP;
        let image = self
            .x
            .get_image(format, self.root, left, top, width, height, !0);
        let image = image.unwrap().reply().unwrap();
        let pixels = image.data.chunks_exact(4);
        pixels.map(|it| [it[0], it[1], it[2]]).collect()
    }

    /// Whether such a color is to be seen there.
    fn shows(&self, place: &Place, is_such: fn(&Color) -> bool) -> bool {
        self.pixels(place).iter().any(is_such)
    }

    /// Whether the field at this height has the keyboard: its frame has the color of that then.
    fn has_keyboard(&self, y: i16) -> bool {
        let around = Place {
            top: y - 18,
            height: 36,
            ..WHOLE
        };
        self.shows(&around, |color| *color == [255, 222, 192])
    }

    /// Clicks into a field that has not the keyboard yet, and waits until it has: what is typed before goes elsewhere.
    fn click_into(&self, (x, y): (i16, i16)) {
        assert!(!self.has_keyboard(y), "{x} {y}");
        xdotool(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
        until("the keyboard", || self.has_keyboard(y).then_some(()));
    }

    /// Presses Enter in a field, and waits until it has the keyboard no more.
    fn enter(&self, (_, y): (i16, i16)) {
        xdotool(&["key", "Return"]);
        until("the end of the line", || {
            (!self.has_keyboard(y)).then_some(())
        });
    }

    /// What a window manager does when the window's cross is clicked.
    fn close(&self, window: Window) {
        let (protocols, delete) = (self.atom("WM_PROTOCOLS"), self.atom("WM_DELETE_WINDOW"));
        let event = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
        self.x
            .send_event(false, window, EventMask::NO_EVENT, event)
            .unwrap();
        self.x.flush().unwrap();
    }
}

fn xdotool(arguments: &[&str]) {
    let status = Command::new("xdotool")
        .args(arguments)
        .status()
        .expect("xdotool");
    assert!(status.success(), "xdotool {arguments:?}");
}

/// A peer that is bound and sends as much as is taken, and reads nothing unless a test does.
struct Flood {
    stream: ZmqStream,
    is_over: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Flood {
    fn start(kind: SocketType) -> Self {
        let context = Context::new().unwrap();
        let builder = ZmqStream::builder(kind).context(&context);
        let stream = builder.bind("tcp://127.0.0.1:*").open().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (stream, is_over) = (stream.clone(), is_over.clone());
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = stream
                        .blocking()
                        .send(("flood", "of messages"), Duration::from_millis(50));
                }
            }
        });
        Self {
            stream,
            is_over,
            thread,
        }
    }

    fn endpoint(&self) -> String {
        self.stream.bindings()[0].clone()
    }

    fn taken(&self) -> u64 {
        self.stream.stats().sent_messages
    }

    fn until_taken(&self, messages: u64) {
        until("the flood", || (self.taken() > messages).then_some(()));
    }

    fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.stream.abort();
    }
}

#[test]
fn a_flood_is_seen_and_amid_it_the_window_takes_what_is_typed_and_closes_at_once() {
    let flood = Flood::start(SocketType::PUSH);
    let screen = Screen::for_one_test();
    let scope = Scope::start(&screen, &["PULL"]);
    assert!(!screen.shows(&RATES, is_green));
    screen.click_into(ENDPOINT);
    xdotool(&["key", "ctrl+a"]);
    xdotool(&["type", "--delay", "30", &flood.endpoint()]);
    screen.enter(ENDPOINT);
    flood.until_taken(500_000);
    until("the curves", || {
        screen.shows(&RATES, is_green).then_some(())
    });
    screen.click_into(MESSAGE);
    assert!(!screen.shows(&TYPED, is_gray_and_bright));
    let taken = flood.taken();
    xdotool(&["type", "M"]);
    until("what was typed", || {
        screen.shows(&TYPED, is_gray_and_bright).then_some(())
    });
    flood.until_taken(taken);

    screen.close(scope.window);
    scope.wait_for_end();
    flood.end();
}

#[test]
fn the_window_closes_amid_a_flood_though_a_peer_does_not_take_what_was_sent_to_it() {
    let flood = Flood::start(SocketType::DEALER);
    // It is connected to, and neither greets nor reads.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_endpoint = format!("tcp://{}", silent.local_addr().unwrap());

    let screen = Screen::for_one_test();
    let scope = Scope::start(&screen, &["DEALER", &flood.endpoint()]);
    screen.click_into(ENDPOINT);
    screen.enter(ENDPOINT);
    flood.until_taken(10_000);
    screen.click_into(ENDPOINT);
    xdotool(&["key", "ctrl+a"]);
    xdotool(&["type", "--delay", "30", &silent_endpoint]);
    screen.enter(ENDPOINT);
    screen.click_into(MESSAGE);
    xdotool(&["type", "--delay", "30", "in turn"]);
    // Every other one goes to the peer that takes none.
    for _ in 0..4 {
        xdotool(&["key", "ctrl+Return"]);
    }
    for _ in 0..2 {
        let read = flood.stream.blocking().read(NEVER);
        assert_eq!(read.unwrap(), "in turn");
    }

    screen.close(scope.window);
    let said = scope.wait_for_end();
    assert!(said.contains("the time was up"), "{said:?}");
    flood.end();
}

#[test]
fn what_is_typed_and_sent_arrives_though_the_program_is_ended_right_after() {
    let context = Context::new().unwrap();
    let builder = ZmqStream::builder(SocketType::PULL).context(&context);
    let builder = builder.track_connections(true);
    let pull = builder.bind("tcp://127.0.0.1:*").open().unwrap();
    let screen = Screen::for_one_test();
    let scope = Scope::start(&screen, &["PUSH", &pull.bindings()[0]]);
    screen.click_into(ENDPOINT);
    screen.enter(ENDPOINT);
    tidegate::block_on(pull.wait_connected(1, NEVER)).unwrap();
    screen.click_into(MESSAGE);
    xdotool(&["type", "--delay", "30", "good"]);
    xdotool(&["key", "Return"]);
    xdotool(&["type", "--delay", "30", "bye"]);
    xdotool(&["key", "--delay", "0", "ctrl+Return", "ctrl+q"]);
    assert_eq!(pull.blocking().read(NEVER).unwrap(), ["good", "bye"]);
    scope.wait_for_end();
    pull.abort();
}
