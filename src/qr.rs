//! QR codes (ISO/IEC 18004) as PNG and SVG: the same text and options give the same bytes.

use std::fmt::Write;

use png::{BitDepth, ColorType, Compression, Encoder};
use qrcode::{Color, EcLevel, QrCode};
use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::wire::json;

/// More would be a code that no phone reads from a screen.
const MAX_TEXT: usize = 1_000;

/// How a code looks, `docs/abi.md`.
#[derive(Clone, Debug, PartialEq)]
struct Look {
    format: Format,
    /// Pixels (PNG) or units (SVG) of a module's side.
    scale: usize,
    /// Modules of quiet zone on each side; the standard wants 4.
    margin: usize,
    correction: EcLevel,
    dark: Rgb,
    light: Rgb,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Png,
    Svg,
}

type Rgb = [u8; 3];

/// The image of `text`. `options` is empty or JSON: `format`, `scale`, `margin`, `error_correction`, `dark`, `light`.
pub fn encode(text: &str, options: &[u8]) -> Result<Vec<u8>> {
    let look = Look::parse(options)?;
    if text.is_empty() || text.len() > MAX_TEXT {
        return Err(invalid(
            "text",
            &format!("text must be 1 to {MAX_TEXT} bytes, not {}", text.len()),
        ));
    }
    let code = QrCode::with_error_correction_level(text, look.correction).map_err(|_| {
        invalid(
            "text",
            "text does not fit into a QR code with this error_correction; take a lower one",
        )
    })?;
    match look.format {
        Format::Png => png(&code, &look),
        Format::Svg => Ok(svg(&code, &look).into_bytes()),
    }
}

/// Two colours and one bit for each pixel.
fn png(code: &QrCode, look: &Look) -> Result<Vec<u8>> {
    let side = (code.width() + 2 * look.margin) * look.scale;
    let mut rows = Vec::with_capacity(side * side.div_ceil(8));
    for y in 0..side {
        let mut row = vec![0u8; side.div_ceil(8)];
        for x in 0..side {
            if is_dark(code, look, x / look.scale, y / look.scale) {
                row[x / 8] |= 0x80 >> (x % 8);
            }
        }
        rows.extend_from_slice(&row);
    }
    let failed = |_| Error::new(Code::Internal, "the image could not be written");
    let mut image = Vec::new();
    let mut encoder = Encoder::new(&mut image, side as u32, side as u32);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::One);
    encoder.set_palette([look.light, look.dark].concat());
    encoder.set_compression(Compression::Balanced);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&rows).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(image)
}

/// One rectangle for the background and one path for all dark modules.
fn svg(code: &QrCode, look: &Look) -> String {
    let modules = code.width() + 2 * look.margin;
    let side = modules * look.scale;
    let (dark, light) = (hex(look.dark), hex(look.light));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{side}\" height=\"{side}\" viewBox=\"0 0 {modules} {modules}\" shape-rendering=\"crispEdges\"><rect width=\"{modules}\" height=\"{modules}\" fill=\"{light}\"/><path fill=\"{dark}\" d=\""
    );
    for y in 0..modules {
        let mut x = 0;
        while x < modules {
            let run = (x..modules)
                .take_while(|x| is_dark(code, look, *x, y))
                .count();
            if run > 0 {
                // Writing to a String cannot fail.
                let _ = write!(svg, "M{x} {y}h{run}v1h-{run}z");
            }
            x += run.max(1);
        }
    }
    svg.push_str("\"/></svg>\n");
    svg
}

/// Whether the module at this place, margins counted, is dark.
fn is_dark(code: &QrCode, look: &Look, x: usize, y: usize) -> bool {
    let inside = |at: usize| at.checked_sub(look.margin).filter(|at| *at < code.width());
    matches!((inside(x), inside(y)), (Some(x), Some(y)) if code[(x, y)] == Color::Dark)
}

fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

impl Look {
    fn parse(options: &[u8]) -> Result<Look> {
        let mut map = match options {
            b"" => Map::new(),
            text => json::parse_object(text).map_err(|problem| {
                invalid("options", &format!("options cannot be read: {problem}"))
            })?,
        };
        let look = Look {
            format: choice(
                &mut map,
                "format",
                &[("png", Format::Png), ("svg", Format::Svg)],
                Format::Png,
            )?,
            scale: number(&mut map, "scale", 1, 64, 8)?,
            margin: number(&mut map, "margin", 0, 32, 4)?,
            correction: choice(
                &mut map,
                "error_correction",
                &[
                    ("L", EcLevel::L),
                    ("M", EcLevel::M),
                    ("Q", EcLevel::Q),
                    ("H", EcLevel::H),
                ],
                EcLevel::M,
            )?,
            dark: colour(&mut map, "dark", [0, 0, 0])?,
            light: colour(&mut map, "light", [255, 255, 255])?,
        };
        if look.dark == look.light {
            return Err(invalid("dark", "dark and light are the same colour"));
        }
        match map.keys().next() {
            Some(key) => Err(invalid(
                key,
                &format!(
                    "{key} is not an option; there are format, scale, margin, error_correction, dark and light"
                ),
            )),
            None => Ok(look),
        }
    }
}

fn choice<T: Copy>(
    map: &mut Map<String, Value>,
    key: &str,
    choices: &[(&str, T)],
    default: T,
) -> Result<T> {
    let Some(value) = map.shift_remove(key) else {
        return Ok(default);
    };
    let found = choices.iter().find(|(name, _)| value == *name);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        invalid(key, &format!("{key} must be one of {}", names.join(", ")))
    })
}

fn number(
    map: &mut Map<String, Value>,
    key: &str,
    min: u64,
    max: u64,
    default: usize,
) -> Result<usize> {
    match map.shift_remove(key) {
        None => Ok(default),
        Some(value) => value
            .as_u64()
            .filter(|n| (min..=max).contains(n))
            .map(|n| n as usize)
            .ok_or_else(|| {
                invalid(
                    key,
                    &format!("{key} must be an integer from {min} to {max}"),
                )
            }),
    }
}

/// `#rrggbb`
fn colour(map: &mut Map<String, Value>, key: &str, default: Rgb) -> Result<Rgb> {
    let Some(value) = map.shift_remove(key) else {
        return Ok(default);
    };
    let digits = value
        .as_str()
        .and_then(|text| text.strip_prefix('#'))
        .filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    match number {
        Some(number) => Ok([(number >> 16) as u8, (number >> 8) as u8, number as u8]),
        None => Err(invalid(
            key,
            &format!("{key} must be a colour such as #1aad19"),
        )),
    }
}

fn invalid(field: &str, message: &str) -> Error {
    Error::new(Code::ParamsInvalid, message).with_field(field)
}
