//! The openssl command line: it makes the keys of these tests, and it is the independent opinion on their results.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder for one test, removed with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "crypto-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub fn path(&self, name: &str) -> String {
        self.0
            .join(name)
            .to_str()
            .expect("a path in UTF-8")
            .to_owned()
    }

    pub fn write(&self, name: &str, contents: &[u8]) -> String {
        fs::write(self.0.join(name), contents).expect("a file for the test");
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs openssl, which must succeed, and gives what it printed.
pub fn run(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let output = attempt(arguments, input);
    assert!(
        output.status.success(),
        "openssl {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Runs openssl, which may say no.
pub fn attempt(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("these tests need the openssl command line ({error}); on Debian: apt-get install openssl")
        });
    // openssl may have answered without reading everything.
    let _ = child.stdin.take().expect("the pipe").write_all(input);
    child.wait_with_output().expect("openssl ends")
}

/// A PKCS#8 PEM of a new RSA key with the given options of `genpkey`.
pub fn generate(algorithm: &str, options: &[&str]) -> Vec<u8> {
    let mut arguments = vec!["genpkey", "-quiet", "-algorithm", algorithm];
    options
        .iter()
        .for_each(|option| arguments.extend(["-pkeyopt", *option]));
    // `-quiet` is younger than some versions in use.
    let output = attempt(&arguments, b"");
    if output.status.success() {
        return output.stdout;
    }
    arguments.remove(1);
    run(&arguments, b"")
}

pub fn generate_rsa(bits: usize) -> Vec<u8> {
    generate("RSA", &[&format!("rsa_keygen_bits:{bits}")])
}

/// SubjectPublicKeyInfo in PEM of a private key.
pub fn public_half(private_pem: &[u8]) -> Vec<u8> {
    run(&["pkey", "-pubout"], private_pem)
}

/// RSAPrivateKey in DER.
pub fn pkcs1_der(private_pem: &[u8]) -> Vec<u8> {
    run(&["rsa", "-traditional", "-outform", "DER"], private_pem)
}

/// A self-signed certificate with the given extra arguments of `req`.
pub fn certificate(private_pem: &[u8], subject: &str, extra: &[&str]) -> Vec<u8> {
    let folder = Folder::new();
    let key = folder.write("key.pem", private_pem);
    let mut arguments = vec![
        "req", "-x509", "-new", "-key", &key, "-sha256", "-utf8", "-subj", subject,
    ];
    arguments.extend(extra);
    run(&arguments, b"")
}

/// Keys that many tests share, made once per run: 2048 bits, two of them.
pub static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| generate_rsa(2048));
pub static OTHER_KEY: LazyLock<Vec<u8>> = LazyLock::new(|| generate_rsa(2048));
