//! Counts instructions on the host: runs itself under callgrind and prints one line for each contender and work.

mod contender;
mod counted;

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

/// Set for the process that does the work.
const WORKER: &str = "COUNTED_WORKER";

fn main() -> Result<(), Box<dyn Error>> {
    if env::var_os(WORKER).is_some() {
        counted::work();
        return Ok(());
    }
    let folder = env::temp_dir().join(format!("tidegate-instructions-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let printed = count(&folder);
    fs::remove_dir_all(&folder)?;
    print!("{}", printed?);
    Ok(())
}

/// Does the work under callgrind, which writes a file for each of its parts in turn.
fn count(folder: &Path) -> Result<String, Box<dyn Error>> {
    let out = folder.join("out");
    let worker = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        .arg("--toggle-collect=*counted*round*")
        .arg("--dump-after=*part_is_over*")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe()?)
        .env(WORKER, "1")
        .env("LD_BIND_NOW", "1")
        .stderr(Stdio::inherit())
        .output()?;
    if !worker.status.success() {
        return Err(format!("valgrind: {}", worker.status).into());
    }
    let names = String::from_utf8(worker.stdout)?;
    let mut parts = names.lines().enumerate().map(|(index, name)| {
        let file = fs::read_to_string(folder.join(format!("out.{}", index + 1)))?;
        let all = summary(&file).ok_or("callgrind's file has no summary")?;
        Ok::<_, Box<dyn Error>>((name, all))
    });
    let (_, nothing) = parts.next().ok_or("nothing was counted")??;
    let (_, hiding) = parts.next().ok_or("nothing was counted")??;
    let mut printed = String::new();
    for part in parts {
        let (name, all) = part?;
        let (hidden, name) = name.split_once('\t').ok_or("a part has no name")?;
        let overhead = nothing + (hiding - nothing) * hidden.parse::<u64>()?;
        let all = all.checked_sub(overhead).ok_or("less than nothing")?;
        let each = (all + counted::ROUNDS / 2) / counted::ROUNDS;
        printed += &format!("{name}\t{each}\n");
    }
    Ok(printed)
}

/// How many instructions were executed, in callgrind's words.
fn summary(file: &str) -> Option<u64> {
    let line = file
        .lines()
        .find_map(|line| line.strip_prefix("summary: "))?;
    line.trim().parse().ok()
}
