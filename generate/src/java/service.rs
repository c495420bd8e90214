//! The class whose methods are a family's operations.

use std::fmt::Write;

use crate::naming::{camel, family};
use crate::plan::{Body, Function, Package, Property, Shape};

use super::layout::{broken, broken_at, chain, documented, imports, javadoc};
use super::{RESERVED, boxed, explanation, name as property_name};

pub fn name(package: &Package) -> String {
    let family = family(package.name);
    match family.ends_with("Service") {
        true => family,
        false => family + "Service",
    }
}

pub fn write(package: &Package) -> String {
    let mut out = imports(&[
        ("io.payseal.CallOptions", true),
        ("io.payseal.Params", true),
        ("io.payseal.PaysealClient", true),
        ("io.payseal.PaysealException", true),
        (
            "java.util.Map",
            package
                .functions
                .iter()
                .any(|function| matches!(function.body, Body::Filled)),
        ),
        ("java.util.Objects", true),
    ]);
    let class = name(package);
    let about = format!(
        "{} Each method waits for the verified answer, as {{@link PaysealClient#execute}} does. Safe for use by any number of threads at once.",
        package.title
    );
    out += &documented("", &about, &[], None);
    write!(
        out,
        "public final class {class} {{\n    private final PaysealClient client;\n\n"
    )
    .unwrap();
    out += &documented(
        "    ",
        "Operations of a merchant.",
        &[(
            "client".into(),
            "the client of the merchant; who made it closes it".into(),
        )],
        None,
    );
    write!(out, "    public {class}(PaysealClient client) {{\n        this.client = Objects.requireNonNull(client, \"client\");\n    }}\n").unwrap();
    for function in &package.functions {
        if !function.idempotency_key {
            out += &short(package, function);
        }
        out += &operation(package, function);
    }
    out + "}\n"
}

/// The overload without what may be left out.
fn short(package: &Package, function: &Function) -> String {
    let required = parameters(function, true);
    let passed: Vec<String> = parameters(function, false)
        .into_iter()
        .map(|parameter| {
            if required.iter().any(|given| given.name == parameter.name) {
                parameter.name
            } else {
                "null".into()
            }
        })
        .collect();
    let call = format!("{}({});", method_name(package, function), passed.join(", "));
    let call = if function.answer.is_some() || function.make.is_some() {
        format!("return {call}")
    } else {
        call
    };
    method(package, function, &required, &format!("        {call}\n"))
}

fn operation(package: &Package, function: &Function) -> String {
    let mut steps = vec!["Params.builder()".to_owned()];
    steps.extend(function.path.iter().map(|property| match property.shape {
        Shape::Text => format!(".path({:?}, {})", property.name, property_name(property)),
        _ => format!(
            ".path({:?}, Long.toString({}))",
            property.name,
            property_name(property)
        ),
    }));
    steps.extend(function.query.iter().map(|property| match property.shape {
        Shape::Text => format!(".query({:?}, {})", property.name, property_name(property)),
        _ => {
            let name = property_name(property);
            let arguments = [
                format!("{:?}", property.name),
                format!("{name} == null ? null : {name}.toString()"),
            ];
            let link = broken_at("                ", ".query", 24, &arguments, "");
            link.trim_start().to_owned()
        }
    }));
    match function.body {
        Body::None => {}
        Body::Filled => steps.push(".body(Map.of())".into()),
        Body::Model(_) => steps.push(".body(request)".into()),
    }
    if function.file {
        steps.push(".file(filename, file)".into());
    }
    if function.make.is_none() {
        steps.push(".options(options)".into());
    }
    steps.push(".build();".into());
    let params = chain("        Params params = ", &steps);
    let mut arguments = vec![format!("{:?}", function.operation), "params".into()];
    let head = "client.execute";
    let body = match (function.make, function.answer) {
        (Some(make), _) => {
            arguments.insert(0, format!("{:?}", make.name()));
            let invoke = broken_at("        return ", "client.invoke", 24, &arguments, "");
            chain(
                &invoke,
                &[String::new(), format!(".get({:?});", make.name())],
            )
        }
        (None, Some(answer)) => {
            let execute = broken_at("        return ", head, 24, &arguments, "");
            chain(&execute, &[String::new(), format!(".as({answer}.class);")])
        }
        (None, None) => broken_at("        ", head, 16, &arguments, ";") + "\n",
    };
    method(
        package,
        function,
        &parameters(function, false),
        &(params + &body),
    )
}

struct Parameter {
    name: String,
    kind: String,
    doc: String,
}

fn parameters(function: &Function, only_required: bool) -> Vec<Parameter> {
    let of = |property: &Property| {
        let kind = if matches!(property.shape, Shape::Text) {
            "String".to_owned()
        } else {
            boxed(&property.shape)
        };
        let absent = if property.required {
            ""
        } else {
            " {@code null} leaves it out."
        };
        Parameter {
            name: property_name(property),
            kind,
            doc: format!("{}{absent}", explanation(property)),
        }
    };
    let mut parameters: Vec<_> = function.path.iter().map(of).collect();
    for (parameter, property) in parameters.iter_mut().zip(&function.path) {
        if matches!(property.shape, Shape::Integer) {
            parameter.kind = "long".into();
        }
    }
    if let Body::Model(model) = &function.body {
        parameters.push(Parameter {
            name: "request".into(),
            kind: model.clone(),
            doc: "what to send".into(),
        });
    }
    if function.file {
        parameters.push(Parameter {
            name: "filename".into(),
            kind: "String".into(),
            doc: "the name of the file, with its extension".into(),
        });
        parameters.push(Parameter {
            name: "file".into(),
            kind: "byte[]".into(),
            doc: "what is in the file".into(),
        });
    }
    parameters.extend(
        function
            .query
            .iter()
            .filter(|property| property.required || !only_required)
            .map(of),
    );
    if !only_required && function.make.is_none() {
        parameters.push(Parameter {
            name: "options".into(),
            kind: "CallOptions".into(),
            doc: match function.idempotency_key {
                true => "options of this call, of which {@code idempotencyKey} is required".into(),
                false => "options of this call; {@code null} for none".into(),
            },
        });
    }
    parameters
}

const THROWN: &str =
    "PaysealException why it failed; its outcome says whether money may have moved";

fn method(package: &Package, function: &Function, parameters: &[Parameter], body: &str) -> String {
    let explained: Vec<_> = parameters
        .iter()
        .map(|parameter| (parameter.name.clone(), parameter.doc.clone()))
        .collect();
    let explained_call = function.explained().replace(
        function.operation,
        &format!("{{@code {}}}", function.operation),
    );
    let about = format!("{} It {explained_call}.", function.title);
    let mut out = format!(
        "\n{}",
        javadoc(
            "    ",
            &about,
            &explained,
            match (function.make, function.answer) {
                (Some(_), _) => Some("what to hand over"),
                (None, answer) => answer.map(|_| "the verified answer"),
            },
            Some(THROWN)
        )
    );
    let arguments: Vec<_> = parameters
        .iter()
        .map(|parameter| format!("{} {}", parameter.kind, parameter.name))
        .collect();
    let head = format!(
        "public {} {}",
        match function.make {
            Some(_) => "String",
            None => function.answer.unwrap_or("void"),
        },
        method_name(package, function)
    );
    out += &broken("    ", &head, &arguments, " {");
    out + body + "    }\n"
}

/// `native` is a word of the language's own: `nativePay`.
fn method_name(package: &Package, function: &Function) -> String {
    let name = camel(&function.name);
    if RESERVED.contains(&name.as_str()) {
        name + &family(package.name)
    } else {
        name
    }
}
