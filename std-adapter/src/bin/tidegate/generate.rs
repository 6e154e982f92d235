//! `tidegate completions` and `tidegate man`

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man as Page;

use crate::end::End;

#[derive(Args, Debug)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub fn run(self, mut command: Command) -> Result<(), End> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "tidegate", &mut script);
        print(&script)
    }
}

#[derive(Args, Debug)]
pub struct Man {
    /// Writes a page for each command to this folder
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Man {
    pub fn run(self, command: Command) -> Result<(), End> {
        match self.dir {
            Some(folder) => {
                let written = fs::create_dir_all(&folder)
                    .and_then(|()| clap_mangen::generate_to(command, &folder));
                written.map_err(|error| {
                    format!("cannot write to the folder {}: {error}", folder.display()).into()
                })
            }
            None => {
                let mut page = Vec::new();
                Page::new(command).render(&mut page)?;
                print(&page)
            }
        }
    }
}

fn print(text: &[u8]) -> Result<(), End> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text).and_then(|()| stdout.flush());
    written.map_err(End::of_output)
}
