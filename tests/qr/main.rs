//! QR codes, read by another implementation.

use payseal::{Code, qr};
use serde_json::{Value, json};

const LINK: &str = "weixin://wxpay/bizpayurl?pr=p4lpSuKzz&sr=支付";

/// The light of each pixel, row by row, and the side.
type Picture = (Vec<u8>, usize);

fn picture(png: &[u8]) -> Picture {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(frame.width, frame.height);
    let light = pixels[..frame.buffer_size()]
        .chunks(3)
        .map(|rgb| (rgb.iter().map(|c| u32::from(*c)).sum::<u32>() / 3) as u8)
        .collect();
    (light, frame.width as usize)
}

/// What the rectangles of the path cover, eight pixels a unit.
fn rasterized(svg: &str) -> Picture {
    let between = |from: &str, to: &str| {
        let start = svg.find(from).unwrap() + from.len();
        &svg[start..start + svg[start..].find(to).unwrap()]
    };
    let units: usize = between("viewBox=\"0 0 ", " ").parse().unwrap();
    let (scale, side) = (8, units * 8);
    let mut pixels = vec![255; side * side];
    for run in between(" d=\"", "\"")
        .split('z')
        .filter(|run| !run.is_empty())
    {
        let (place, rest) = run[1..].split_once('h').unwrap();
        let (x, y) = place.split_once(' ').unwrap();
        let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
        let length: usize = rest.split('v').next().unwrap().parse().unwrap();
        for row in y * scale..(y + 1) * scale {
            pixels[row * side + x * scale..row * side + (x + length) * scale].fill(0);
        }
    }
    (pixels, side)
}

fn read((pixels, side): &Picture) -> String {
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(*side, *side, |x, y| pixels[y * side + x]);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

fn encode(text: &str, options: Value) -> payseal::Result<Vec<u8>> {
    qr::encode(text, options.to_string().as_bytes())
}

#[test]
fn another_program_reads_what_was_written() {
    for text in [LINK, "a", &"0123456789".repeat(50)] {
        for correction in ["L", "M", "Q", "H"] {
            let png = encode(text, json!({ "error_correction": correction, "scale": 4 })).unwrap();
            assert_eq!(read(&picture(&png)), text);
            let svg = encode(
                text,
                json!({ "format": "svg", "error_correction": correction }),
            )
            .unwrap();
            assert_eq!(read(&rasterized(std::str::from_utf8(&svg).unwrap())), text);
        }
    }
}

#[test]
fn colours_scale_and_margin_are_as_asked() {
    let plain = picture(&qr::encode(LINK, b"").unwrap());
    let wide = picture(&encode(LINK, json!({ "margin": 10, "scale": 3 })).unwrap());
    let modules = plain.1 / 8 - 2 * 4;
    assert_eq!(wide.1, (modules + 20) * 3);
    let coloured = encode(LINK, json!({ "dark": "#1aad19", "light": "#FFFFEE" })).unwrap();
    assert_eq!(read(&picture(&coloured)), LINK);
    let svg =
        String::from_utf8(encode(LINK, json!({ "format": "svg", "dark": "#1aad19" })).unwrap())
            .unwrap();
    assert!(svg.contains("fill=\"#1aad19\"") && svg.contains("fill=\"#ffffff\""));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for options in [json!({}), json!({ "format": "svg" })] {
        assert_eq!(
            encode(LINK, options.clone()).unwrap(),
            encode(LINK, options).unwrap()
        );
    }
}

#[test]
fn what_cannot_be_drawn_is_refused_with_the_field() {
    let long = "x".repeat(1_001);
    for (text, options, field) in [
        ("", json!({}), "text"),
        (long.as_str(), json!({}), "text"),
        (LINK, json!({ "format": "gif" }), "format"),
        (LINK, json!({ "scale": 0 }), "scale"),
        (LINK, json!({ "scale": 65 }), "scale"),
        (LINK, json!({ "margin": -1 }), "margin"),
        (LINK, json!({ "margin": "4" }), "margin"),
        (LINK, json!({ "error_correction": "m" }), "error_correction"),
        (LINK, json!({ "dark": "black" }), "dark"),
        (LINK, json!({ "light": "#12345" }), "light"),
        (LINK, json!({ "dark": "#ffffff" }), "dark"),
        (LINK, json!({ "size": 4 }), "size"),
    ] {
        let error = encode(text, options).unwrap_err();
        assert_eq!(error.code(), Code::ParamsInvalid);
        assert_eq!(error.detail("field").unwrap(), field, "{error:?}");
    }
    assert_eq!(
        qr::encode(LINK, b"[]").unwrap_err().code(),
        Code::ParamsInvalid
    );
}
