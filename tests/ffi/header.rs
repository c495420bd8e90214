//! The committed header is the generated one.

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = std::fs::read_to_string(concat!(env!("OUT_DIR"), "/payseal.h")).unwrap();
    let committed =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/include/payseal.h")).unwrap();
    assert!(
        generated == committed,
        "include/payseal.h is out of date: run make header"
    );
}

#[test]
fn every_code_in_the_header_has_the_number_of_the_core() {
    let header = include_str!("../../include/payseal.h");
    for code in [
        payseal::Code::Ok,
        payseal::Code::InvalidArgument,
        payseal::Code::InvalidHandle,
        payseal::Code::ConfigInvalid,
        payseal::Code::ParamsInvalid,
        payseal::Code::SignatureInvalid,
        payseal::Code::SignatureProbe,
        payseal::Code::ResponseMismatch,
        payseal::Code::Timeout,
        payseal::Code::CircuitOpen,
        payseal::Code::ProviderRejected,
        payseal::Code::Internal,
    ] {
        let line = format!("    PAYSEAL_{} = {},", code.name(), code as i32);
        assert!(header.contains(&line), "{line}");
    }
    for (name, outcome) in [
        ("NOT_SENT", payseal::Outcome::NotSent),
        ("REJECTED", payseal::Outcome::Rejected),
        ("UNKNOWN", payseal::Outcome::Unknown),
        ("UNAUTHENTIC", payseal::Outcome::Unauthentic),
        ("MALFORMED", payseal::Outcome::Malformed),
    ] {
        let line = format!("    PAYSEAL_{name} = {},", outcome as i32);
        assert!(header.contains(&line), "{line}");
    }
}
