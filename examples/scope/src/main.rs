//! The scope's window.
//!
//! ```sh
//! cargo run --release -- PULL tcp://127.0.0.1:5555
//! ```
//!
//! Both arguments may be left out; nothing is bound or connected before that is asked for in the window.

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use eframe::egui::{Ui, ViewportBuilder};
use scope::view::{self, View};

/// How long what was sent last may take once the window is gone.
const DEADLINE: Duration = Duration::from_millis(500);

struct App(View);

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if let Some(seconds) = frame.info().cpu_usage {
            self.0.speed.took(seconds);
        }
        self.0.show(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.0.close();
    }
}

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let mut view = View::default();
    if let Some(kind) = arguments.next()
        && let Err(what) = view.set_kind(&kind)
    {
        eprintln!("scope: {what}");
        return ExitCode::FAILURE;
    }
    if let Some(endpoint) = arguments.next() {
        view.set_endpoint(endpoint);
    }
    let options = eframe::NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("tidegate scope")
            .with_inner_size([1200.0, 800.0])
            .with_min_inner_size([900.0, 600.0]),
        ..eframe::NativeOptions::default()
    };
    let shown = eframe::run_native(
        "tidegate-scope",
        options,
        Box::new(|creation| {
            view::dress(&creation.egui_ctx);
            Ok(Box::new(App(view)))
        }),
    );
    // The window is gone. Without this what libzmq has accepted and not yet sent is lost.
    let ended = tidegate::block_on(tidegate::shutdown(DEADLINE));
    if let Err(error) = &ended {
        eprintln!("scope: {error}");
    }
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scope: cannot show a window: {error}");
            ExitCode::FAILURE
        }
    }
}
