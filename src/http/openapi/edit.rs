//! What a schema made from a struct cannot say: that an edit names at least one thing to change.

use utoipa::Modify;
use utoipa::openapi::schema::{AllOfBuilder, AnyOfBuilder, Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{OpenApi, RefOr};

/// The schema of an edit's body.
const EDIT: &str = "BookEdit";

/// Completes it.
pub(super) struct SomethingToEdit;

impl Modify for SomethingToEdit {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.as_mut().expect("there are schemas");
        let edit = components.schemas.get_mut(EDIT).expect("an edit has a schema");
        let RefOr::T(Schema::Object(members)) = edit else { unreachable!("an edit is an object") };
        let names = members.properties.keys();
        let any = names.map(|name| given(name)).fold(AnyOfBuilder::new(), AnyOfBuilder::item);
        let whole = AllOfBuilder::new().examples(members.example.take());
        *edit = RefOr::T(whole.item(members.clone()).item(any).into());
    }
}

/// Something in which this member is there and not null.
fn given(name: &str) -> Object {
    let kind = if name == "price" { Type::Object } else { Type::String };
    let member = ObjectBuilder::new().schema_type(kind);
    ObjectBuilder::new().property(name, member).required(name).build()
}
