//! `tidegate keys`

use tidegate::options::CurveKeys;

use crate::end::End;
use crate::output::Output;

/// Prints a new pair, and tells on stderr which half others may see.
pub fn run() -> Result<(), End> {
    let (public, secret) = loop {
        let CurveKeys { public, secret } = CurveKeys::generate()?;
        let public = public.to_z85();
        // On a command line @ is a file, and - an option.
        if !public.starts_with(['@', '-']) {
            break (public, secret.to_z85());
        }
    };
    let mut output = Output::new();
    output.write(|line| line.extend(format!("{public}:{secret}\n").bytes()))?;
    output.flush()?;
    crate::end::note(format_args!("others may know {public}"));
    Ok(())
}
