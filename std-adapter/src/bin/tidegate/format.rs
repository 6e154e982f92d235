//! Messages as lines, and lines as messages.

use clap::{Args, ValueEnum};
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde_json::Value;
use tidegate::Multipart;

use crate::end::End;

/// How a message is a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The bytes as they are
    Text,
    /// Two digits for each byte, a comma between frames
    Hex,
    /// An array of strings
    Json,
}

#[derive(Args, Clone, Debug)]
pub struct Codec {
    /// How a message is written in a line
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// What stands between two frames, of text only [default: a line is one frame, and a tab is printed between frames]
    #[arg(short, long, value_name = "TEXT")]
    pub delimiter: Option<String>,
}

impl Codec {
    /// Refuses what would do nothing.
    pub fn check(&self) -> Result<(), End> {
        if self.delimiter.is_some() && self.format != Format::Text {
            let what =
                "--delimiter is for text: hex and json have a sign of their own between frames";
            return Err(End::Usage(what.into()));
        }
        Ok(())
    }

    /// Adds a message and a newline.
    pub fn encode(&self, message: &Multipart, line: &mut Vec<u8>) {
        let (open, between, close) = match self.format {
            Format::Text => ("", self.delimiter.as_deref().unwrap_or("\t"), ""),
            Format::Hex => ("", ",", ""),
            Format::Json => ("[", ",", "]"),
        };
        line.extend(open.bytes());
        for (place, frame) in message.iter().enumerate() {
            if place > 0 {
                line.extend(between.bytes());
            }
            match self.format {
                Format::Text => line.extend_from_slice(frame),
                Format::Hex => line.extend(HEXLOWER.encode(frame).bytes()),
                Format::Json => match std::str::from_utf8(frame) {
                    Ok(text) => line.extend(Value::from(text).to_string().bytes()),
                    Err(_) => {
                        let hex = HEXLOWER.encode(frame);
                        line.extend(format!(r#"{{"hex":"{hex}"}}"#).bytes());
                    }
                },
            }
        }
        line.extend(close.bytes());
        line.push(b'\n');
    }

    /// The message of a line, which has no newline any more. The error says what is wrong with it.
    pub fn decode(&self, line: &[u8]) -> Result<Multipart, String> {
        match self.format {
            Format::Text => Ok(match self.delimiter.as_deref() {
                None | Some("") => Multipart::from(line),
                Some(delimiter) => split(line, delimiter.as_bytes()).collect(),
            }),
            Format::Hex => {
                // Files from Windows have it.
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                split(line, b",").map(hex).collect::<Result<_, _>>()
            }
            Format::Json => {
                let frames =
                    match serde_json::from_slice(line).map_err(|error| error.to_string())? {
                        Value::Array(frames) if frames.is_empty() => {
                            return Err("a message has at least one frame".into());
                        }
                        Value::Array(frames) => frames,
                        frame => vec![frame],
                    };
                frames.iter().map(json).collect()
            }
        }
    }
}

fn split<'a>(line: &'a [u8], delimiter: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let at = line
            .windows(delimiter.len())
            .position(|window| window == delimiter);
        let (frame, behind) = match at {
            Some(at) => {
                let (frame, behind) = line.split_at(at);
                (frame, behind.get(delimiter.len()..))
            }
            None => (line, None),
        };
        rest = behind;
        Some(frame)
    })
}

fn hex(digits: &[u8]) -> Result<Vec<u8>, String> {
    HEXLOWER_PERMISSIVE
        .decode(digits)
        .map_err(|error| format!("no hexadecimal digits: {error}"))
}

/// The frame that a value stands for.
fn json(frame: &Value) -> Result<Vec<u8>, String> {
    if let Value::String(text) = frame {
        return Ok(text.as_bytes().to_owned());
    }
    if let Value::Object(members) = frame
        && let Some((name, Value::String(text))) = members.iter().next()
        && members.len() == 1
    {
        match name.as_str() {
            "hex" => return hex(text.as_bytes()),
            "base64" => {
                let bytes = BASE64.decode(text.as_bytes());
                return bytes.map_err(|error| format!("no base64: {error}"));
            }
            _ => {}
        }
    }
    Err(format!(
        r#"a frame is a string, {{"hex":"…"}} or {{"base64":"…"}}, not {frame}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::{Codec, Format};
    use tidegate::Multipart;

    fn codec(format: Format, delimiter: Option<&str>) -> Codec {
        let delimiter = delimiter.map(str::to_owned);
        Codec { format, delimiter }
    }

    fn line(codec: &Codec, message: &Multipart) -> String {
        let mut line = Vec::new();
        codec.encode(message, &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_message_comes_back_from_its_line_whatever_its_bytes_are() {
        let every_byte: Vec<u8> = (0..=255).collect();
        for codec in [codec(Format::Hex, None), codec(Format::Json, None)] {
            for message in [
                Multipart::from(""),
                Multipart::from(("", "")),
                Multipart::from(("a,b", "[\"", "\n", every_byte.clone(), "")),
            ] {
                let line = line(&codec, &message);
                let line = line.strip_suffix('\n').unwrap();
                assert!(!line.contains('\n'));
                assert_eq!(codec.decode(line.as_bytes()), Ok(message));
            }
        }
        let spaced = codec(Format::Text, Some("::"));
        let message = Multipart::from(("", "a:b", &every_byte[..10], ""));
        assert_eq!(
            line(&spaced, &message),
            "::a:b::\0\x01\x02\x03\x04\x05\x06\x07\x08\t::\n"
        );
        assert_eq!(
            spaced.decode(b"::a:b::\0\x01\x02\x03\x04\x05\x06\x07\x08\t::"),
            Ok(message)
        );
    }

    #[test]
    fn a_line_of_text_is_one_frame_unless_it_is_to_be_split() {
        let text = codec(Format::Text, None);
        assert_eq!(text.decode(b"a\tb c\r").unwrap(), "a\tb c\r");
        assert_eq!(text.decode(b"").unwrap(), "");
        assert_eq!(line(&text, &Multipart::from(("a", "b"))), "a\tb\n");
    }

    #[test]
    fn what_is_no_utf8_is_marked_in_json_and_base64_is_read() {
        let json = codec(Format::Json, None);
        let message = Multipart::from((&b"\xff\0"[..], "ä\"\u{1}"));
        assert_eq!(
            line(&json, &message),
            "[{\"hex\":\"ff00\"},\"ä\\\"\\u0001\"]\n"
        );
        let read = json.decode(br#" [ {"base64":"/wA="}, "\u00e4\"\u0001" ] "#);
        assert_eq!(read, Ok(message));
        assert_eq!(json.decode(br#""alone""#).unwrap(), "alone");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for (format, line) in [
            (Format::Hex, "0"),
            (Format::Hex, "zz"),
            (Format::Json, ""),
            (Format::Json, "[]"),
            (Format::Json, "[1]"),
            (Format::Json, r#"["a""#),
            (Format::Json, r#"[{"hex":"0"}]"#),
            (Format::Json, r#"[{"hex":"00","base64":""}]"#),
            (Format::Json, r#"[{"oct":"00"}]"#),
        ] {
            let decoded = codec(format, None).decode(line.as_bytes());
            assert!(decoded.is_err(), "{line}: {decoded:?}");
        }
    }
}
