//! `tidegate keys`

use tidegate::options::CurveKeys;

use crate::end::End;
use crate::output::Output;

/// Prints a new pair, and tells on stderr which half others may see.
pub fn run() -> Result<(), End> {
    let CurveKeys { public, secret } = CurveKeys::generate()?;
    let (public, secret) = (public.to_z85(), secret.to_z85());
    let mut output = Output::new();
    output.write(|line| line.extend(format!("{public}:{secret}\n").bytes()))?;
    output.flush()?;
    crate::end::note(format_args!("others may know {public}"));
    Ok(())
}
