//! One gate decides which keys are good, whatever the engine, and says what is wrong with the others.

use crate::asn1::{self, D, DP, DQ, E as EXPONENT, N, P, Q, QINV, RsaPrivateKey as Numbers};
use crate::openssl::{self, Folder, KEY, OTHER_KEY};
use KeyErrorKind::{Invalid, Mismatch, Role, Unsupported};
use payseal::crypto::engine::Engine;
use payseal::crypto::{
    Certificate, KeyError, KeyErrorKind, RsaPrivateKey, RsaPublicKey, Verdict, base64,
};

on_each_engine![
    every_usual_form_of_a_private_key_is_accepted,
    every_usual_form_of_a_public_key_is_accepted,
    keys_of_every_allowed_size_are_accepted,
    a_private_key_in_another_role_is_refused,
    a_public_key_in_another_role_is_refused,
    keys_that_are_not_rsa_are_refused,
    an_encrypted_private_key_is_refused_with_the_remedy,
    keys_of_forbidden_sizes_are_refused,
    exponents_that_are_weak_or_unusual_are_refused,
    a_key_with_three_primes_is_refused,
    a_key_whose_primes_are_the_same_is_refused,
    a_key_whose_primes_are_of_different_lengths_is_refused,
    a_key_whose_parts_do_not_belong_together_is_refused,
    bytes_behind_the_key_are_refused,
    der_that_is_not_the_shortest_form_is_refused,
    a_damaged_text_is_refused_with_its_damage_named,
    two_pem_blocks_are_refused,
    a_label_that_contradicts_its_contents_is_refused,
    no_refusal_repeats_a_byte_of_the_key,
    debug_shows_nothing_of_the_key,
];

fn private<E: Engine>(text: &[u8]) -> Result<RsaPrivateKey<E>, KeyError> {
    RsaPrivateKey::parse(text)
}

fn public<E: Engine>(text: &[u8]) -> Result<RsaPublicKey<E>, KeyError> {
    RsaPublicKey::parse(text)
}

#[track_caller]
fn refused<T>(result: Result<T, KeyError>, kind: KeyErrorKind, names: &str) {
    match result {
        Ok(_) => panic!("accepted, although: {names}"),
        Err(error) => {
            assert_eq!(error.kind, kind, "{error}");
            assert!(
                error.message.contains(names),
                "{error:?} does not say {names:?}"
            );
        }
    }
}

fn numbers() -> Numbers {
    Numbers::from_pkcs1(&openssl::pkcs1_der(&KEY))
}

fn body(pem: &[u8]) -> String {
    std::str::from_utf8(pem)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect()
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        base64::encode(der)
    )
    .into_bytes()
}

/// The forms that a text has after editors, spreadsheets, environment variables and Windows.
fn forms_of(pem: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = String::from_utf8(pem.to_vec()).unwrap();
    let base64 = body(pem);
    let wrapped: Vec<&str> = base64
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    vec![
        ("PEM", text.clone().into_bytes()),
        ("PEM with CRLF", text.replace('\n', "\r\n").into_bytes()),
        ("PEM with CR", text.replace('\n', "\r").into_bytes()),
        ("PEM without a last line end", text.trim_end().into()),
        (
            "PEM with blank lines around",
            format!("\n\n{text}\n \n").into_bytes(),
        ),
        ("PEM indented", text.replace('\n', "\n    ").into_bytes()),
        ("PEM in one line", text.replace('\n', "").into_bytes()),
        (
            "PEM with a byte order mark",
            format!("\u{FEFF}{text}").into_bytes(),
        ),
        (
            "PEM with text before it",
            format!("Bag Attributes\n    localKeyID: 01\n{text}").into_bytes(),
        ),
        ("bare base64", base64.clone().into_bytes()),
        (
            "bare base64 with line ends",
            wrapped.join("\n").into_bytes(),
        ),
        ("bare base64 with CRLF", wrapped.join("\r\n").into_bytes()),
        (
            "bare base64 with a byte order mark",
            format!("\u{FEFF}{base64}\n").into_bytes(),
        ),
        ("DER", base64::decode(base64.as_bytes()).unwrap()),
    ]
}

fn every_usual_form_of_a_private_key_is_accepted<E: Engine>() {
    let expected = private::<E>(&KEY).unwrap().sign_sha256(b"message").unwrap();
    let pkcs1 = openssl::run(&["rsa", "-traditional"], &KEY);
    assert!(pkcs1.starts_with(b"-----BEGIN RSA PRIVATE KEY-----"));
    for source in [KEY.as_slice(), &pkcs1] {
        for (form, text) in forms_of(source) {
            let key = private::<E>(&text).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert_eq!(key.sign_sha256(b"message").unwrap(), expected, "{form}");
            assert!(
                key.public_key()
                    .is_same_key(&public(&openssl::public_half(&KEY)).unwrap())
            );
        }
    }
    // PKCS#8 with attributes, as Windows exports it.
    let attributes = asn1::encode(0xA0, &asn1::sequence(&[]));
    let with_attributes = asn1::sequence(&[
        asn1::integer(&[0]),
        asn1::RSA_ENCRYPTION.to_vec(),
        asn1::encode(asn1::OCTET_STRING, &numbers().pkcs1()),
        attributes,
    ]);
    assert_eq!(
        private::<E>(&with_attributes)
            .unwrap()
            .sign_sha256(b"message")
            .unwrap(),
        expected
    );
}

fn every_usual_form_of_a_public_key_is_accepted<E: Engine>() {
    let signature = private::<E>(&KEY).unwrap().sign_sha256(b"message").unwrap();
    let spki = openssl::public_half(&KEY);
    let pkcs1 = openssl::run(&["rsa", "-RSAPublicKey_out"], &KEY);
    assert!(pkcs1.starts_with(b"-----BEGIN RSA PUBLIC KEY-----"));
    for source in [spki, pkcs1] {
        for (form, text) in forms_of(&source) {
            let key = public::<E>(&text).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert_eq!(
                key.verify_sha256(b"message", &signature),
                Verdict::Valid,
                "{form}"
            );
        }
    }
    assert!(
        !public::<E>(&openssl::public_half(&KEY))
            .unwrap()
            .is_same_key(&public(&openssl::public_half(&OTHER_KEY)).unwrap())
    );
}

fn keys_of_every_allowed_size_are_accepted<E: Engine>() {
    for bits in [2048, 2056, 3072, 4096] {
        let key = private::<E>(&openssl::generate_rsa(bits))
            .unwrap_or_else(|error| panic!("{bits} bits: {error}"));
        let signature = key.sign_sha256(b"message").unwrap();
        assert_eq!(signature.len(), bits / 8);
        assert_eq!(
            key.public_key().verify_sha256(b"message", &signature),
            Verdict::Valid
        );
        let sealed = key.public_key().oaep_sha1_seal(b"plaintext").unwrap();
        assert_eq!(**key.oaep_sha1_open(&sealed).unwrap(), *b"plaintext");
    }
    let mut largest = vec![0xC5; 8192 / 8];
    assert!(public::<E>(&asn1::public_pkcs1(&largest, &[1, 0, 1])).is_ok());
    largest.push(0xC5);
    refused(
        public::<E>(&asn1::public_pkcs1(&largest, &[1, 0, 1])),
        Unsupported,
        "8200 bits",
    );
}

fn certificate_pem() -> Vec<u8> {
    openssl::certificate(&KEY, "/CN=merchant", &[])
}

fn signing_request() -> Vec<u8> {
    let folder = Folder::new();
    let key = folder.write("key.pem", &KEY);
    openssl::run(&["req", "-new", "-key", &key, "-subj", "/CN=merchant"], b"")
}

fn pkcs12_file() -> Vec<u8> {
    let folder = Folder::new();
    let key = folder.write("key.pem", &KEY);
    let certificate = folder.write("certificate.pem", &certificate_pem());
    openssl::run(
        &[
            "pkcs12",
            "-export",
            "-inkey",
            &key,
            "-in",
            &certificate,
            "-passout",
            "pass:1900000001",
        ],
        b"",
    )
}

fn a_private_key_in_another_role_is_refused<E: Engine>() {
    let spki = openssl::public_half(&KEY);
    refused(private::<E>(&spki), Role, "this is a public key");
    refused(
        private::<E>(body(&spki).as_bytes()),
        Role,
        "this is a public key",
    );
    refused(
        private::<E>(&openssl::run(&["rsa", "-RSAPublicKey_out"], &KEY)),
        Role,
        "this is a public key",
    );
    refused(
        private::<E>(&certificate_pem()),
        Role,
        "this is a certificate",
    );
    refused(
        private::<E>(body(&certificate_pem()).as_bytes()),
        Role,
        "this is a certificate",
    );
    refused(
        private::<E>(&signing_request()),
        Role,
        "certificate signing request",
    );
    refused(private::<E>(&pkcs12_file()), Unsupported, "PKCS#12");
}

fn a_public_key_in_another_role_is_refused<E: Engine>() {
    refused(public::<E>(&KEY), Role, "this is a private key");
    refused(
        public::<E>(body(&KEY).as_bytes()),
        Role,
        "this is a private key",
    );
    refused(
        public::<E>(&openssl::run(&["rsa", "-traditional"], &KEY)),
        Role,
        "this is a private key",
    );
    refused(
        public::<E>(&certificate_pem()),
        Role,
        "this is a certificate",
    );
    refused(
        public::<E>(body(&certificate_pem()).as_bytes()),
        Role,
        "this is a certificate",
    );
    refused(
        public::<E>(&signing_request()),
        Role,
        "certificate signing request",
    );
    refused(public::<E>(&pkcs12_file()), Unsupported, "PKCS#12");
}

#[test]
fn a_certificate_in_another_role_is_refused() {
    refused(Certificate::parse(&KEY), Role, "this is a private key");
    refused(
        Certificate::parse(&openssl::public_half(&KEY)),
        Role,
        "this is a public key",
    );
    refused(
        Certificate::parse(&signing_request()),
        Role,
        "certificate signing request",
    );
    refused(
        Certificate::parse(body(&signing_request()).as_bytes()),
        Invalid,
        "certificate cannot be read",
    );
    refused(Certificate::parse(&pkcs12_file()), Unsupported, "PKCS#12");
}

fn keys_that_are_not_rsa_are_refused<E: Engine>() {
    let pss = openssl::generate("RSA-PSS", &["rsa_keygen_bits:2048"]);
    let curve = openssl::generate("EC", &["ec_paramgen_curve:P-256"]);
    let edwards = openssl::generate("ED25519", &[]);
    for (key, name) in [
        (pss, "RSA-PSS"),
        (curve.clone(), "elliptic curves"),
        (edwards, "another algorithm"),
    ] {
        refused(private::<E>(&key), Unsupported, name);
        refused(public::<E>(&openssl::public_half(&key)), Unsupported, name);
    }
    let sec1 = openssl::run(&["ec"], &curve);
    assert!(sec1.starts_with(b"-----BEGIN EC PRIVATE KEY-----"));
    refused(private::<E>(&sec1), Unsupported, "elliptic curves");
    refused(
        private::<E>(body(&sec1).as_bytes()),
        Unsupported,
        "elliptic curves",
    );
    refused(
        private::<E>(&pem("OPENSSH PRIVATE KEY", b"openssh-key-v1")),
        Unsupported,
        "ssh-keygen",
    );
    refused(
        Certificate::parse(&openssl::certificate(&curve, "/CN=curve", &[])),
        Unsupported,
        "elliptic curves",
    );
}

fn an_encrypted_private_key_is_refused_with_the_remedy<E: Engine>() {
    let pkcs8 = openssl::run(
        &[
            "pkcs8",
            "-topk8",
            "-v2",
            "aes-256-cbc",
            "-passout",
            "pass:secret",
        ],
        &KEY,
    );
    let pkcs1 = openssl::run(
        &["rsa", "-traditional", "-aes256", "-passout", "pass:secret"],
        &KEY,
    );
    for encrypted in [pkcs8.clone(), body(&pkcs8).into_bytes(), pkcs1] {
        refused(
            private::<E>(&encrypted),
            Unsupported,
            "encrypted with a password; decrypt it first",
        );
    }
}

fn keys_of_forbidden_sizes_are_refused<E: Engine>() {
    for (bits, says) in [
        (1024, "1024 bits"),
        (2047, "2047 bits"),
        (2052, "a multiple of 8"),
    ] {
        let key = openssl::generate_rsa(bits);
        refused(private::<E>(&key), Unsupported, says);
        refused(public::<E>(&openssl::public_half(&key)), Unsupported, says);
    }
    let certificate = openssl::certificate(&openssl::generate_rsa(1024), "/CN=short", &[]);
    refused(Certificate::parse(&certificate), Unsupported, "1024 bits");
}

fn exponents_that_are_weak_or_unusual_are_refused<E: Engine>() {
    for exponent in ["3", "17", "65535"] {
        let option = format!("rsa_keygen_pubexp:{exponent}");
        let key = openssl::generate("RSA", &["rsa_keygen_bits:2048", &option]);
        refused(private::<E>(&key), Unsupported, "public exponent");
        refused(
            public::<E>(&openssl::public_half(&key)),
            Unsupported,
            "public exponent",
        );
    }
    let modulus = &numbers().0[N];
    let exponent = |exponent: &[u8]| public::<E>(&asn1::public_pkcs1(modulus, exponent));
    refused(exponent(&[1, 0, 0]), Invalid, "even");
    refused(exponent(&[0]), Invalid, "even");
    refused(exponent(&[1]), Unsupported, "public exponent");
    refused(exponent(&[2, 0, 0, 0, 1]), Unsupported, "public exponent");
    refused(exponent(modulus), Unsupported, "public exponent");
    assert!(exponent(&[1, 0, 1]).is_ok());
    assert!(exponent(&[1, 0xFF, 0xFF, 0xFF, 0xFF]).is_ok());
    let mut even = modulus.clone();
    *even.last_mut().unwrap() &= 0xFE;
    refused(
        public::<E>(&asn1::public_pkcs1(&even, &[1, 0, 1])),
        Invalid,
        "modulus of the RSA key is even",
    );
}

fn a_key_with_three_primes_is_refused<E: Engine>() {
    let key = openssl::generate("RSA", &["rsa_keygen_bits:2048", "rsa_keygen_primes:3"]);
    refused(private::<E>(&key), Unsupported, "more than two primes");
    refused(
        private::<E>(&openssl::pkcs1_der(&key)),
        Unsupported,
        "more than two primes",
    );
}

fn a_key_whose_primes_are_the_same_is_refused<E: Engine>() {
    let good = numbers();
    refused(
        private::<E>(&good.with(Q, &good.0[P]).pkcs8()),
        Invalid,
        "same number",
    );
}

/// One engine would take such a key and the other would not.
fn a_key_whose_primes_are_of_different_lengths_is_refused<E: Engine>() {
    let good = numbers();
    // Behind the sign byte and the first of the number.
    let shorter = &good.0[P][2..];
    let longer = [&[1], good.0[Q].as_slice()].concat();
    for key in [
        good.with(P, shorter),
        good.with(Q, &longer),
        good.with(P, shorter).with(Q, &longer),
        good.with(P, &[0]),
    ] {
        refused(private::<E>(&key.pkcs8()), Unsupported, "half as long");
    }
}

fn a_key_whose_parts_do_not_belong_together_is_refused<E: Engine>() {
    let good = numbers();
    let other = Numbers::from_pkcs1(&openssl::pkcs1_der(&OTHER_KEY));
    assert!(private::<E>(&good.pkcs8()).is_ok(), "the untouched key");
    for field in [N, D, P, Q, DP, DQ, QINV] {
        refused(
            private::<E>(&good.with(field, &other.0[field]).pkcs8()),
            Mismatch,
            "do not belong together",
        );
        let mut off_by_two = good.0[field].clone();
        *off_by_two.last_mut().unwrap() ^= 2;
        refused(
            private::<E>(&good.with(field, &off_by_two).pkcs1()),
            Mismatch,
            "do not belong together",
        );
        if ![N, P, Q].contains(&field) {
            refused(
                private::<E>(&good.with(field, &[0]).pkcs1()),
                Mismatch,
                "do not belong together",
            );
        }
    }
    refused(
        private::<E>(&good.with(EXPONENT, &[1, 0, 3]).pkcs1()),
        Mismatch,
        "do not belong together",
    );
}

fn bytes_behind_the_key_are_refused<E: Engine>() {
    let good = numbers();
    let behind = |der: Vec<u8>| [der.as_slice(), &[0]].concat();
    refused(
        private::<E>(&behind(good.pkcs8())),
        Invalid,
        "behind the end",
    );
    refused(
        private::<E>(&behind(good.pkcs1())),
        Invalid,
        "behind the end",
    );
    refused(
        private::<E>(&pem("PRIVATE KEY", &behind(good.pkcs8()))),
        Invalid,
        "behind the end",
    );
    refused(
        public::<E>(&behind(good.public_pkcs1())),
        Invalid,
        "behind the end",
    );
    let inside = asn1::pkcs8(&[0], asn1::RSA_ENCRYPTION, &behind(good.pkcs1()));
    refused(private::<E>(&inside), Invalid, "behind the end");
    let tenth_number = asn1::sequence(
        &good
            .0
            .iter()
            .chain([&vec![1]])
            .map(|n| asn1::integer(n))
            .collect::<Vec<_>>(),
    );
    refused(private::<E>(&tenth_number), Invalid, "not a key");
}

fn der_that_is_not_the_shortest_form_is_refused<E: Engine>() {
    let good = numbers();
    let padded = asn1::encode(asn1::INTEGER, &[&[0, 0], good.0[N].as_slice()].concat());
    let negative = asn1::encode(asn1::INTEGER, &[0xFF, 0x01]);
    let exponent = asn1::integer(&[1, 0, 1]);
    for modulus in [padded, negative] {
        refused(
            public::<E>(&asn1::sequence(&[modulus, exponent.clone()])),
            Invalid,
            "not a key",
        );
    }
    let mut indefinite = good.public_pkcs1();
    indefinite[1] = 0x80;
    refused(public::<E>(&indefinite), Invalid, "not a key");
    let without_null = &[
        0x30, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01,
    ];
    refused(
        private::<E>(&asn1::pkcs8(&[0], without_null, &good.pkcs1())),
        Invalid,
        "not a key",
    );
    refused(
        private::<E>(&asn1::pkcs8(&[1], asn1::RSA_ENCRYPTION, &good.pkcs1())),
        Unsupported,
        "RFC 5208",
    );
}

fn a_damaged_text_is_refused_with_its_damage_named<E: Engine>() {
    let text = String::from_utf8(KEY.clone()).unwrap();
    let cut_in_the_middle = &text[..text.len() / 2];
    let utf16: Vec<u8> = [0xFEFF]
        .into_iter()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "empty"),
        (b" \r\n".to_vec(), "empty"),
        ("\u{FEFF}".as_bytes().to_vec(), "empty"),
        (utf16, "UTF-16"),
        (cut_in_the_middle.into(), "no -----END line"),
        (
            text.replace("-----END PRIVATE KEY-----", "").into(),
            "no -----END line",
        ),
        (
            text.replace("-----BEGIN PRIVATE KEY-----", "").into(),
            "no -----BEGIN line",
        ),
        (
            text.replace("END PRIVATE", "END PUBLIC").into(),
            "-----END line",
        ),
        (
            text.replace("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY")
                .into(),
            "-----BEGIN line",
        ),
        (format!("{text}more").into(), "after the -----END line"),
        (text.replace('\n', r"\n").into(), "escaped twice"),
        (
            text.replacen('M', "*", 1).into(),
            "neither PEM, nor base64, nor DER",
        ),
        (text.replacen("MII", "MI", 1).into(), "missing or altered"),
        (b"/etc/payment/apiclient_key.pem".to_vec(), "path of a file"),
        (
            b"apiclient_key.pem".to_vec(),
            "neither PEM, nor base64, nor DER",
        ),
        (vec![b'A'; 1 << 20], "too long"),
        (vec![0x30], "not a key"),
        (vec![0x30, 0x00], "not a key"),
        (vec![0xFF; 300], "neither PEM"),
    ];
    for (text, says) in cases {
        refused(private::<E>(&text), Invalid, says);
        refused(Certificate::parse(&text), Invalid, says);
    }
}

fn two_pem_blocks_are_refused<E: Engine>() {
    let two = [KEY.as_slice(), &OTHER_KEY].concat();
    refused(private::<E>(&two), Invalid, "more than one PEM block");
    let chain = [certificate_pem(), KEY.clone()].concat();
    refused(private::<E>(&chain), Invalid, "more than one PEM block");
    refused(
        Certificate::parse(&chain),
        Invalid,
        "more than one PEM block",
    );
}

fn a_label_that_contradicts_its_contents_is_refused<E: Engine>() {
    let good = numbers();
    refused(
        private::<E>(&pem("RSA PRIVATE KEY", &good.pkcs8())),
        Invalid,
        "its contents are those of PRIVATE KEY",
    );
    refused(
        private::<E>(&pem("PRIVATE KEY", &good.pkcs1())),
        Invalid,
        "its contents are those of RSA PRIVATE KEY",
    );
    refused(
        public::<E>(&pem("PUBLIC KEY", &good.public_pkcs1())),
        Invalid,
        "its contents are those of RSA PUBLIC KEY",
    );
    refused(
        public::<E>(&pem("PUBLIC KEY", &good.pkcs8())),
        Invalid,
        "its contents are those of PRIVATE KEY",
    );
}

/// Every window of the secret's base64 and hexadecimal text is searched for in what was said.
fn assert_reveals_nothing(said: &str, key: &Numbers) {
    let hex: String = key.0[D].iter().map(|byte| format!("{byte:02x}")).collect();
    for secret in [body(&KEY), base64::encode(&key.pkcs1()), hex] {
        for window in secret.as_bytes().windows(12) {
            let window = std::str::from_utf8(window).unwrap();
            assert!(!said.contains(window), "the text repeats a part of the key");
        }
    }
}

fn no_refusal_repeats_a_byte_of_the_key<E: Engine>() {
    let good = numbers();
    let text = String::from_utf8(KEY.clone()).unwrap();
    let broken: Vec<Vec<u8>> = vec![
        text.replacen('M', "*", 1).into(),
        text.replace('\n', r"\n").into(),
        text.replace("-----BEGIN PRIVATE KEY-----\n", "-----BEGIN ")
            .into(),
        format!("{text}{}", body(&KEY)).into(),
        [good.pkcs8(), vec![0]].concat(),
        good.with(D, &[3]).pkcs8(),
        pem("CERTIFICATE", &good.pkcs8()),
    ];
    for text in broken {
        let error = private::<E>(&text).unwrap_err();
        assert_reveals_nothing(&format!("{error} {error:?}"), &good);
        let error = public::<E>(&text).unwrap_err();
        assert_reveals_nothing(&format!("{error} {error:?}"), &good);
    }
}

fn debug_shows_nothing_of_the_key<E: Engine>() {
    let key = private::<E>(&KEY).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(RSA, 2048 bits)");
    assert_eq!(
        format!("{:?}", key.public_key()),
        "PublicKey(RSA, 2048 bits)"
    );
}

#[test]
fn keys_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<payseal::crypto::PrivateKey>();
    shared::<payseal::crypto::PublicKey>();
    shared::<Certificate>();
    shared::<payseal::crypto::Secret>();
}
