//! The program itself, in a window of a real X server, with the keyboard and the mouse of xdotool. Needs `DISPLAY`, with a screen of
//! 1200 × 800 at least and no window manager.

use std::collections::HashSet;
use std::process::{Child, Command};
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

/// Where these fields are.
const ENDPOINT: (i16, i16) = (350, 18);
const MESSAGE: (i16, i16) = (600, 745);

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
        let process = program.args(arguments).spawn().unwrap();
        let mut scope = Self { process, window: 0 };
        scope.window = until("the window", || screen.window("tidegate scope"));
        let x = &screen.x;
        x.set_input_focus(InputFocus::PARENT, scope.window, 0_u32)
            .unwrap();
        x.flush().unwrap();
        until("a picture", || {
            (screen.colors(0, 800).len() > 50).then_some(())
        });
        scope
    }

    fn wait_for_end(mut self) {
        let began = Instant::now();
        let status = until("the end", || self.process.try_wait().unwrap());
        println!("ended within {} ms", began.elapsed().as_millis());
        assert!(status.success(), "{status}");
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

    /// The colors that are to be seen in so many rows from this one on: blue, green, red.
    fn colors(&self, top: i16, rows: u16) -> HashSet<[u8; 3]> {
        let size = self.x.get_geometry(self.root).unwrap().reply().unwrap();
        let format = ImageFormat::Z_PIXMAP;
        let image = self
            .x
            .get_image(format, self.root, 0, top, size.width, rows, !0);
        let image = image.unwrap().reply().unwrap();
        let pixels = image.data.chunks_exact(4);
        pixels.map(|it| [it[0], it[1], it[2]]).collect()
    }

    /// Clicks into a field, and waits until it has the keyboard: its frame has the color of that then.
    fn click_into(&self, x: i16, y: i16) {
        xdotool(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
        let has_keyboard = [255, 222, 192];
        until("the keyboard", || {
            self.colors(y - 18, 36)
                .contains(&has_keyboard)
                .then_some(())
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

#[test]
fn a_flood_is_seen_by_whoever_types_where_it_comes_from_and_the_window_closes_amid_it() {
    let context = Context::new().unwrap();
    let builder = ZmqStream::builder(SocketType::PUSH).context(&context);
    let push = builder.bind("tcp://127.0.0.1:*").open().unwrap();
    let endpoint = push.bindings()[0].clone();
    let is_over = Arc::new(AtomicBool::new(false));
    let flood = thread::spawn({
        let (push, is_over) = (push.clone(), is_over.clone());
        move || {
            while !is_over.load(Ordering::Relaxed) {
                let _ = push
                    .blocking()
                    .send(("flood", "of messages"), Duration::from_millis(50));
            }
        }
    });

    let screen = Screen::for_one_test();
    let scope = Scope::start(&screen, &["PULL"]);
    screen.click_into(ENDPOINT.0, ENDPOINT.1);
    xdotool(&["key", "ctrl+a"]);
    xdotool(&["type", "--delay", "30", &endpoint]);
    xdotool(&["key", "Return"]);
    let began = Instant::now();
    let taken = || push.stats().sent_messages;
    until("the flood", || (taken() > 500_000).then_some(()));
    println!(
        "{:.0} messages/s in",
        taken() as f64 / began.elapsed().as_secs_f64()
    );
    until("the curves", || {
        (screen.colors(0, 800).len() > 200).then_some(())
    });

    screen.close(scope.window);
    scope.wait_for_end();
    is_over.store(true, Ordering::Relaxed);
    flood.join().unwrap();
    push.abort();
}

#[test]
fn what_is_typed_and_sent_arrives_though_the_program_is_ended_right_after() {
    let context = Context::new().unwrap();
    let builder = ZmqStream::builder(SocketType::PULL).context(&context);
    let builder = builder.track_connections(true);
    let pull = builder.bind("tcp://127.0.0.1:*").open().unwrap();
    let screen = Screen::for_one_test();
    let scope = Scope::start(&screen, &["PUSH", &pull.bindings()[0]]);
    screen.click_into(ENDPOINT.0, ENDPOINT.1);
    xdotool(&["key", "Return"]);
    tidegate::block_on(pull.wait_connected(1, NEVER)).unwrap();
    screen.click_into(MESSAGE.0, MESSAGE.1);
    xdotool(&["type", "--delay", "30", "good"]);
    xdotool(&["key", "Return"]);
    xdotool(&["type", "--delay", "30", "bye"]);
    xdotool(&["key", "--delay", "0", "ctrl+Return", "ctrl+q"]);
    assert_eq!(pull.blocking().read(NEVER).unwrap(), ["good", "bye"]);
    scope.wait_for_end();
    pull.abort();
}
