//! What a provider can be asked, put together: the tables of facts, what the overlay adds and corrects, and the operations that were
//! written by hand, which win.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::facts::{self, Draft};
use crate::model::{Catalogue, Family, Kind, Operation, Repeat, Schema};
use crate::overlay::{self, Gloss, Overlay, any_means};

/// The catalogues of a folder (`catalogue/`), by file name: one for each API generation. What a file says wrongly is an error that names
/// the file and the place.
pub fn load(folder: &Path) -> Result<Vec<Catalogue>, String> {
    let mut overlays: BTreeMap<String, Overlay> = BTreeMap::new();
    for file in json_files(&folder.join("overlay"))? {
        let overlay: Overlay = read(&file)?;
        let all = overlays.entry(overlay.catalogue.clone()).or_default();
        all.join(overlay);
    }
    let mut catalogues = Vec::new();
    for file in json_files(folder)? {
        let mut catalogue: Catalogue = read(&file)?;
        let operations = catalogue
            .families
            .iter_mut()
            .flat_map(|family| &mut family.operations);
        operations.for_each(|operation| operation.written = true);
        catalogue.file = format!("{}.json", stem(&file));
        take_common(&mut catalogue);
        let table = folder.join("facts").join(&catalogue.file);
        let overlay = overlays.remove(&stem(&file)).unwrap_or_default();
        let drafts = match table.exists() {
            true => fs::read_to_string(&table)
                .map_err(|problem| problem.to_string())
                .and_then(|text| facts::read(&text)),
            false => Ok(Vec::new()),
        };
        drafts
            .and_then(|drafts| add(&mut catalogue, drafts, &overlay))
            .map_err(|problem| format!("{}: {problem}", table.display()))?;
        check(&catalogue).map_err(|problem| format!("{}: {problem}", file.display()))?;
        catalogues.push(catalogue);
    }
    match overlays.keys().next() {
        Some(name) => Err(format!("catalogue/overlay speaks of {name}, which is not")),
        None => Ok(catalogues),
    }
}

/// Gives every operation the common parameters; its own of the same name stay.
fn take_common(catalogue: &mut Catalogue) {
    let families = catalogue.families.iter_mut();
    for operation in families.flat_map(|family| &mut family.operations) {
        let is_own = |name: &str| operation.query.iter().any(|field| field.name == name);
        let common = catalogue.common.iter();
        let common: Vec<Schema> = common
            .filter(|field| !is_own(&field.name))
            .cloned()
            .collect();
        operation.query.extend(common);
    }
}

/// Every file that `load` reads or would read, for the build script to watch.
#[allow(dead_code)] // the generator does not
pub fn folders(folder: &Path) -> [PathBuf; 3] {
    [
        folder.to_owned(),
        folder.join("facts"),
        folder.join("overlay"),
    ]
}

fn json_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(|problem| format!("{}: {problem}", folder.display()))?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    Ok(files)
}

fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T, String> {
    let text = fs::read_to_string(file).map_err(|problem| problem.to_string());
    text.and_then(|text| serde_json::from_str(&text).map_err(|problem| problem.to_string()))
        .map_err(|problem| format!("{}: {problem}", file.display()))
}

fn add(catalogue: &mut Catalogue, mut drafts: Vec<Draft>, overlay: &Overlay) -> Result<(), String> {
    for correction in &overlay.corrections {
        correction.apply(&mut drafts)?;
    }
    let names: BTreeSet<String> = drafts.iter().map(|draft| draft.name.clone()).collect();
    check_rules(overlay, &names)?;
    let written: BTreeSet<String> = catalogue
        .families
        .iter()
        .flat_map(|family| &family.operations)
        .map(|operation| operation.name.clone())
        .collect();
    for draft in drafts
        .into_iter()
        .filter(|draft| !written.contains(&draft.name))
    {
        let name = draft.name.clone();
        add_one(catalogue, draft, overlay).map_err(|problem| format!("{name}: {problem}"))?;
    }
    for events in &overlay.notifications {
        let family = catalogue
            .families
            .iter_mut()
            .find(|family| family.name == events.family)
            .ok_or_else(|| format!("notifications of {}, which is not", events.family))?;
        family.notifications.extend(events.notifications.clone());
        family.schemas.extend(events.schemas.clone());
    }
    for name in overlay.models.iter().chain(overlay.names.keys()) {
        if catalogue.families.iter().all(|family| family.name != *name) {
            return Err(format!("typed models of {name}, which is not"));
        }
    }
    for family in &mut catalogue.families {
        family.typed = overlay.models.contains(&family.name);
        family.names = overlay.names.get(&family.name).cloned().unwrap_or_default();
        let glossary = Glossary {
            entries: &overlay.glossary,
            family: &family.name,
        };
        family.docs = glossary.objects();
        for schema in &mut family.schemas {
            glossary.describe(schema, "");
        }
        for operation in &mut family.operations {
            let parameters = operation.path.iter_mut().chain(&mut operation.query);
            parameters
                .chain(&mut operation.form)
                .for_each(|field| glossary.describe(field, ""));
        }
    }
    Ok(())
}

/// A rule that speaks of nothing is a mistake.
fn check_rules(overlay: &Overlay, names: &BTreeSet<String>) -> Result<(), String> {
    let patterns = overlay
        .repeat
        .iter()
        .flat_map(|rule| &rule.operations)
        .chain(
            overlay
                .fills
                .iter()
                .flat_map(|rule| rule.operations.iter().chain(&rule.except)),
        )
        .chain(overlay.operations.keys());
    for pattern in patterns {
        if !names.iter().any(|name| overlay::means(pattern, name)) {
            return Err(format!("a rule speaks of {pattern}, which is not"));
        }
    }
    Ok(())
}

fn add_one(catalogue: &mut Catalogue, mut draft: Draft, overlay: &Overlay) -> Result<(), String> {
    let (method, path) = draft.name.split_once(' ').unwrap_or_default();
    let (method, path) = (method.to_owned(), path.to_owned());
    let (rule, prefix) = family_of(overlay, &path).ok_or("belongs to no family")?;
    let at = catalogue
        .families
        .iter()
        .position(|family| family.name == rule.name);
    let at = at.unwrap_or_else(|| {
        catalogue.families.push(Family {
            name: rule.name.clone(),
            title: rule.title.clone(),
            operations: Vec::new(),
            notifications: Vec::new(),
            schemas: Vec::new(),
            typed: false,
            names: BTreeMap::new(),
            docs: BTreeMap::new(),
        });
        catalogue.families.len() - 1
    });
    let family = &mut catalogue.families[at];

    fill(&mut draft, overlay);
    if draft.file.is_some() && draft.body.is_null() {
        draft.body = json!({ "type": "object", "fields": [
            { "name": "filename", "required": true, "type": "string", "length": [1, 255], "format": "file_name" },
            { "name": "sha256", "required": true, "type": "string", "length": [64, 64], "charset": "0-9A-Fa-f", "format": "file_sha256" },
        ]});
    }
    let naming = overlay.operations.get(&draft.name);
    let id = naming.and_then(|naming| naming.id.clone());
    let id = id.unwrap_or_else(|| id_of(&method, &path, prefix, family));
    let repeat = repeat_of(&draft, &method, overlay)?;
    let order_number = number_of(&draft, overlay);
    let mut named = |part: &Value, suffix: &str| -> Result<Option<String>, String> {
        if part.is_null() {
            return Ok(None);
        }
        let mut schema: Schema = serde_json::from_value(part.clone())
            .map_err(|problem| format!("{suffix}: {problem}"))?;
        schema.name = format!("{}{suffix}", pascal(&id));
        let name = schema.name.clone();
        if family.schemas.iter().any(|known| known.name == name) {
            return Err(format!("there is another {name} in {}", family.name));
        }
        family.schemas.push(schema);
        Ok(Some(name))
    };
    let body = named(&draft.body, "Request")?;
    let answer = named(&draft.answer, "Response")?;
    family.operations.push(Operation {
        id,
        title: naming
            .and_then(|naming| naming.title.clone())
            .unwrap_or_default(),
        repeat,
        order_number,
        path: fields(&draft.path)?,
        query: fields(&draft.query)?,
        open_query: draft.query["open"] == true,
        makes: Vec::new(),
        form: fields(&draft.form)?,
        body,
        answer,
        file: draft.file,
        host: draft.host.map(|host| host.trim_end_matches('/').to_owned()),
        idempotency_key: draft.idempotency_key,
        client_certificate: draft.client_certificate,
        written: false,
        body_name: naming.and_then(|naming| naming.body.clone()),
        answer_name: naming.and_then(|naming| naming.answer.clone()),
        untyped: naming.is_some_and(|naming| naming.untyped.is_some()),
        name: draft.name,
    });
    Ok(())
}

/// The family whose prefix fits best, and the prefix.
fn family_of<'a>(
    overlay: &'a Overlay,
    path: &str,
) -> Option<(&'a overlay::FamilyRule, &'a String)> {
    let prefixes = overlay
        .families
        .iter()
        .flat_map(|rule| rule.paths.iter().map(move |prefix| (rule, prefix)));
    prefixes
        .filter(|(_, prefix)| path.starts_with(prefix.as_str()))
        .max_by_key(|(_, prefix)| prefix.len())
}

fn fields(part: &Value) -> Result<Vec<Schema>, String> {
    match part.get("fields") {
        Some(fields) => serde_json::from_value(fields.clone()).map_err(|e| e.to_string()),
        None => Ok(Vec::new()),
    }
}

fn fill(draft: &mut Draft, overlay: &Overlay) {
    for rule in &overlay.fills {
        if !any_means(&rule.operations, &draft.name) || any_means(&rule.except, &draft.name) {
            continue;
        }
        for part in [&mut draft.query, &mut draft.body] {
            let fields = part.get_mut("fields").and_then(Value::as_array_mut);
            for field in fields.into_iter().flatten() {
                if field["name"] == rule.field {
                    field["filled"] = json!(rule.fill.key());
                }
            }
        }
    }
}

/// The last rule that fits; without one a GET is safe and nothing else is.
fn repeat_of(draft: &Draft, method: &str, overlay: &Overlay) -> Result<Repeat, String> {
    let mut repeat = match method {
        "GET" => Repeat::Safe,
        _ => Repeat::Never,
    };
    for rule in &overlay.repeat {
        if method == "GET" || !any_means(&rule.operations, &draft.name) {
            continue;
        }
        let has_number = rule
            .number
            .as_ref()
            .is_none_or(|number| place_of(draft, number).is_some());
        if has_number {
            repeat = rule.repeat;
        } else if rule.operations.contains(&draft.name) {
            return Err(format!("requires no {}", rule.number.as_ref().unwrap()));
        }
    }
    Ok(repeat)
}

fn number_of(draft: &Draft, overlay: &Overlay) -> Option<String> {
    let repeat_numbers = overlay
        .repeat
        .iter()
        .filter(|rule| any_means(&rule.operations, &draft.name))
        .filter_map(|rule| rule.number.as_ref());
    repeat_numbers
        .chain(&overlay.numbers)
        .find_map(|number| place_of(draft, number))
}

/// `body.out_trade_no`, if the operation requires it.
fn place_of(draft: &Draft, number: &str) -> Option<String> {
    let parts = [
        ("path", &draft.path),
        ("body", &draft.body),
        ("query", &draft.query),
    ];
    parts.into_iter().find_map(|(part, schema)| {
        let mut fields = schema["fields"].as_array()?.iter();
        fields
            .any(|field| field["name"] == number && field["required"] == true)
            .then(|| format!("{part}.{number}"))
    })
}

/// A name from the path, until somebody gives a better one: `get_transfer_bills_by_out_bill_no`.
fn id_of(method: &str, path: &str, prefix: &str, family: &Family) -> String {
    let mut words = Vec::new();
    let mut placeholders = Vec::new();
    for step in path[prefix.len()..].split('/') {
        match step
            .strip_prefix('{')
            .and_then(|step| step.strip_suffix('}'))
        {
            Some(name) => placeholders.push(name),
            None if step.is_empty() => {}
            None => words.push(step.replace('-', "_").to_lowercase()),
        }
    }
    let verb = match method {
        "GET" => "get",
        "POST" if words.is_empty() => "create",
        "POST" => "",
        "PUT" => "put",
        "PATCH" => "update",
        _ => "delete",
    };
    if !verb.is_empty() {
        words.insert(0, verb.to_owned());
    }
    let is_free = |id: &String| family.operations.iter().all(|known| known.id != *id);
    let short = words.join("_");
    let long = format!("{short}_by_{}", placeholders.join("_and_"));
    [short.clone(), long]
        .into_iter()
        .chain((2..).map(|n| format!("{short}_{n}")))
        .find(is_free)
        .expect("the numbers do not end")
}

fn pascal(id: &str) -> String {
    let words = id.split('_').filter(|word| !word.is_empty());
    words
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

struct Glossary<'a> {
    entries: &'a BTreeMap<String, Gloss>,
    family: &'a str,
}

impl Glossary<'_> {
    /// The entry that says most about where the field is.
    fn find(&self, name: &str, owner: &str) -> Option<&Gloss> {
        let Glossary { entries, family } = self;
        [
            format!("{family}:{owner}.{name}"),
            format!("{owner}.{name}"),
            format!("{family}:{name}"),
            name.to_owned(),
        ]
        .iter()
        .find_map(|key| entries.get(key))
    }

    /// What has a capital letter is an object.
    fn objects(&self) -> BTreeMap<String, String> {
        let ours = format!("{}:", self.family);
        let general = self.entries.iter().filter(|(name, _)| !name.contains(':'));
        let special = self
            .entries
            .iter()
            .filter_map(|(name, gloss)| Some((name.strip_prefix(&ours)?, gloss)));
        general
            .map(|(name, gloss)| (name.as_str(), gloss))
            .chain(special)
            .filter(|(name, _)| name.starts_with(|c: char| c.is_uppercase()))
            .map(|(name, gloss)| (name.to_owned(), gloss.doc.clone()))
            .collect()
    }

    fn describe(&self, schema: &mut Schema, owner: &str) {
        if schema.doc.is_empty()
            && let Some(gloss) = self.find(&schema.name, owner)
        {
            schema.doc = gloss.doc.clone();
            let mut value = &mut *schema;
            while value.items.is_some() {
                value = value.items.as_mut().expect("it is there");
            }
            if matches!(value.kind, Some(Kind::Integer | Kind::String)) && schema.unit.is_none() {
                schema.unit = gloss.unit.clone();
            }
        }
        let name = schema.name.clone();
        schema
            .fields
            .iter_mut()
            .for_each(|field| self.describe(field, &name));
        let mut items = &mut schema.items;
        while let Some(value) = items {
            value
                .fields
                .iter_mut()
                .for_each(|field| self.describe(field, &name));
            items = &mut value.items;
        }
    }
}

/// What every reader takes for granted.
fn check(catalogue: &Catalogue) -> Result<(), String> {
    for family in &catalogue.families {
        let mut ids = BTreeSet::new();
        for operation in &family.operations {
            let name = &operation.name;
            if !ids.insert(&operation.id) {
                return Err(format!("{name}: {} has two {}", family.name, operation.id));
            }
            let path = name.split_once(' ').map_or("", |(_, path)| path);
            let placeholders: Vec<&str> = path
                .split('{')
                .skip(1)
                .filter_map(|part| part.split('}').next())
                .collect();
            let given: Vec<&str> = operation
                .path
                .iter()
                .map(|field| field.name.as_str())
                .collect();
            if placeholders != given {
                return Err(format!(
                    "{name}: placeholders {placeholders:?}, parameters {given:?}"
                ));
            }
        }
        for schema in &family.schemas {
            check_schema(schema)
                .map_err(|problem| format!("{}: {}{problem}", family.name, schema.name))?;
        }
    }
    Ok(())
}

fn check_schema(schema: &Schema) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for field in &schema.fields {
        if !names.insert(&field.name) {
            return Err(format!(".{} is there twice", field.name));
        }
        check_schema(field).map_err(|problem| format!(".{}{problem}", field.name))?;
    }
    match (&schema.items, schema.kind) {
        (Some(items), _) => check_schema(items).map_err(|problem| format!("[]{problem}")),
        (None, Some(crate::model::Kind::Array)) => Err(" has no items".into()),
        _ => Ok(()),
    }
}
