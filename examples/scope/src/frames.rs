//! Frames as a person writes and reads them.

use std::fmt::Write as _;

/// How a message is typed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notation {
    /// Each line is a frame, as it stands.
    #[default]
    Text,
    /// Each line is a frame of bytes in hexadecimal, two digits each; spaces may stand between bytes.
    Hex,
}

/// The frames of a message as it was typed in: a frame for each line, so that an empty field is one empty frame.
///
/// # Errors
/// Says what is wrong, and in which line.
pub fn parse(typed: &str, notation: Notation) -> Result<Vec<Vec<u8>>, String> {
    let lines = typed.split('\n').enumerate();
    lines
        .map(|(index, line)| match notation {
            Notation::Text => Ok(line.as_bytes().to_vec()),
            Notation::Hex => {
                parse_hex(line).map_err(|wrong| format!("line {}: {wrong}", index + 1))
            }
        })
        .collect()
}

/// The bytes of a line of hexadecimal digits.
///
/// # Errors
/// Says what is wrong.
pub fn parse_hex(line: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut first = None;
    for character in line.chars() {
        let Some(digit) = character
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
        else {
            if character.is_whitespace() && first.is_none() {
                continue;
            }
            return Err(if character.is_whitespace() {
                "a space in the middle of a byte".to_owned()
            } else {
                format!("{character:?} is no hexadecimal digit")
            });
        };
        match first.take() {
            None => first = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    if first.is_some() {
        return Err("the last byte has one digit".to_owned());
    }
    Ok(bytes)
}

/// A frame in one line: in quotes if it is text, in hexadecimal otherwise. Of a frame that was cut this is the beginning.
pub fn one_line(frame: &[u8], is_cut: bool) -> String {
    let is_text = |text: &&str| !text.chars().any(char::is_control);
    let whole = match std::str::from_utf8(frame) {
        // The last character was cut with it.
        Err(error) if is_cut && error.error_len().is_none() => {
            frame.get(..error.valid_up_to()).filter(|b| !b.is_empty())
        }
        _ => Some(frame),
    };
    let text = whole.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let line = match text.filter(is_text) {
        Some(text) => format!("\"{text}\""),
        None => hex(frame),
    };
    if is_cut { line + "…" } else { line }
}

fn hex(bytes: &[u8]) -> String {
    let mut line = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        let space = if line.is_empty() { "" } else { " " };
        // Writing to a string does not fail.
        let _ = write!(line, "{space}{byte:02x}");
    }
    line
}

/// Sixteen bytes in each line: where they are, in hexadecimal, and as text with a point for what cannot be printed.
pub fn dump(frame: &[u8]) -> String {
    let lines = frame.chunks(16).enumerate().map(|(row, bytes)| {
        let text: String = bytes
            .iter()
            .map(|byte| match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '.',
            })
            .collect();
        format!("{:04x}  {:<47}  {text}", row * 16, hex(bytes))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A number of bytes for a person.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut scaled = count as f64 / 1024.0;
    let mut unit = "KiB";
    for next in &UNITS[1..] {
        if scaled < 1024.0 {
            break;
        }
        scaled /= 1024.0;
        unit = next;
    }
    format!("{scaled:.1} {unit}")
}

/// A count, its digits in groups of three.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_frame() {
        let text = parse("a\n\nb c", Notation::Text);
        assert_eq!(text, Ok(vec![b"a".to_vec(), vec![], b"b c".to_vec()]));
        let hex = parse("00 ff\n\n0A0b", Notation::Hex);
        assert_eq!(hex, Ok(vec![vec![0, 255], vec![], vec![10, 11]]));
        assert_eq!(parse("", Notation::Text), Ok(vec![vec![]]));
    }

    #[test]
    fn what_is_no_hexadecimal_is_named_with_its_line() {
        let wrong = |typed| parse(typed, Notation::Hex).unwrap_err();
        assert_eq!(wrong("00\n0g"), "line 2: 'g' is no hexadecimal digit");
        assert_eq!(wrong("000"), "line 1: the last byte has one digit");
        assert_eq!(wrong("0 0"), "line 1: a space in the middle of a byte");
    }

    #[test]
    fn text_is_shown_as_text_and_all_else_as_bytes() {
        assert_eq!(one_line("grün".as_bytes(), false), "\"grün\"");
        assert_eq!(one_line(&[0, 0x41, 0xff], false), "00 41 ff");
        assert_eq!(one_line(b"", false), "\"\"");
        // As a character begins that does not go on.
        assert_eq!(one_line(&[0x41, 0xc3], false), "41 c3");
    }

    #[test]
    fn a_frame_that_was_cut_is_shown_as_such_and_as_text_though_its_last_character_was_cut_too() {
        assert_eq!(one_line(b"gr", true), "\"gr\"…");
        assert_eq!(one_line(&"grü".as_bytes()[..3], true), "\"gr\"…");
        assert_eq!(one_line(&[0, 0x41, 0xff], true), "00 41 ff…");
        assert_eq!(one_line(&"ü".as_bytes()[..1], true), "c3…");
    }

    #[test]
    fn a_dump_has_sixteen_bytes_in_a_line() {
        let dumped = dump(b"0123456789abcdefXY\n");
        let lines: Vec<_> = dumped.lines().collect();
        assert_eq!(
            lines[0],
            "0000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef"
        );
        assert_eq!(lines[1].split_whitespace().next(), Some("0010"));
        assert!(lines[1].ends_with("  XY."));
        assert_eq!(lines[0].find("0123"), lines[1].find("XY."));
    }

    #[test]
    fn counts_and_bytes_are_shown_for_a_person() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(123_456), "123,456");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(65_536), "64.0 KiB");
        assert_eq!(bytes(3 << 20), "3.0 MiB");
    }
}
