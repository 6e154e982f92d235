//! `tidegate`, ZeroMQ from the terminal: messages in and out by line, with the flow control of the streams.

mod bench;
mod end;
mod format;
mod generate;
mod input;
mod interrupts;
mod keys;
mod monitor;
mod output;
mod progress;
mod proxy;
mod publish;
mod receive;
mod request;
mod security;
mod send;
mod servers;
mod socket;
mod usage;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::end::End;
use crate::interrupts::Interrupts;

const EXIT_CODES: &str = "\
Exit codes:
  0    done; also when whoever reads what is printed has gone away, which is
       seen when the next message is printed
  1    it failed, or no server that it has connected to has let it in; stderr
       says who has refused, and why. For send and pub one that refuses is
       enough: what was for it is lost; proxy only tells, and goes on. One that
       only hangs up is tried again
  2    the command line is none of this tool's: an option, an endpoint, a time,
       a key or a message on it is none, or they do not go together
  3    the time was up: nothing came, nobody answered, or not all was sent
  130  interrupted, by Ctrl-C or SIGTERM; what was accepted until then has been
       printed, unless stderr says otherwise (of a flood it says so), or sent,
       however long that took. A second Ctrl-C ends it at once, and loses the
       rest";

const ENDPOINTS: &str = "\
Endpoints:
  tcp://host:5555, tcp://[::1]:5555, ipc:///run/name. To bind: tcp://*:5555, and
  tcp://*:* for a port that is free, which stderr tells. An endpoint with a
  bracket in it has its socket speak IPv6, and IPv4 still";

const FORMATS: &str = "\
Formats, in and out, a message in each line:
  text  the bytes as they are, a carriage return at the end of the line, too;
        a line is one frame unless --delimiter splits it, frames are printed
        with a tab between them (a line feed or a tab in a frame is not told
        from those: what is to be read again is hex or json)
  hex   two digits for each byte, frames separated by commas: 00ff,,01; a
        carriage return at the end of the line is skipped
  json  an array of frames, each a string, or {\"hex\":\"00ff\"} where it is no
        UTF-8; {\"base64\":\"AP8=\"} is read, too, and so is a frame without an
        array
  An empty line is a message of one empty frame, and no JSON";

const OF_COMMANDS: &str = "\
See tidegate --help for endpoints, formats and exit codes";

/// ZeroMQ from the terminal: messages in and out by line, with real flow control
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, after_help = EXIT_CODES, after_long_help = format!("{ENDPOINTS}\n\n{FORMATS}\n\n{EXIT_CODES}"))]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 110
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the messages that come (a PULL unless --type says otherwise)
    Recv(receive::Arguments),
    /// Sends messages, or each line of stdin (a PUSH); a slow peer holds stdin back
    Send(send::Arguments),
    /// Asks, and prints the reply; asks again if there is none in time
    Request(request::Arguments),
    /// Publishes messages, or each line of stdin. Who is not there yet gets nothing: --wait waits for the first
    Pub(publish::Arguments),
    /// Subscribes, to everything unless --subscribe says otherwise, and prints what comes
    Sub(receive::Arguments),
    /// Prints what happens to a socket as it happens: connections, handshakes, failures. It is a peer as any other: what is sent to it
    /// is lost
    Monitor(monitor::Arguments),
    /// Passes messages on between two sides, and a copy to who captures; without PLAIN or CURVE
    Proxy(proxy::Arguments),
    /// Measures latency and throughput between two machines
    Bench(bench::Arguments),
    /// Makes a pair of CURVE keys
    Keys,
    /// Prints a script that completes this tool's command lines in a shell
    Completions(generate::Completions),
    /// Prints the man page, or writes those of all commands to a folder
    Man(generate::Man),
}

fn run(cli: Cli) -> Result<(), End> {
    let interrupts = Interrupts::listen()?;
    match cli.command {
        Command::Recv(arguments) => arguments.run(zmq::SocketType::PULL, &interrupts),
        Command::Send(arguments) => arguments.run(&interrupts),
        Command::Request(arguments) => arguments.run(&interrupts),
        Command::Pub(arguments) => arguments.run(&interrupts),
        Command::Sub(arguments) => arguments.run(zmq::SocketType::SUB, &interrupts),
        Command::Monitor(arguments) => arguments.run(&interrupts),
        Command::Proxy(arguments) => arguments.run(&interrupts),
        Command::Bench(arguments) => arguments.run(&interrupts),
        Command::Keys => keys::run(),
        Command::Completions(arguments) => arguments.run(command()),
        Command::Man(arguments) => arguments.run(command()),
    }
}

fn command() -> clap::Command {
    Cli::command().mut_subcommands(|command| command.after_help(OF_COMMANDS))
}

fn main() -> ExitCode {
    let cli = Cli::from_arg_matches(&command().get_matches());
    match run(cli.unwrap_or_else(|error| error.exit())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(end) => end.tell(),
    }
}
