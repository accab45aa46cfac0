//! The SQL types that the schema names, on every backend: a `uuid` and a `timestamptz` where the
//! database has them (PostgreSQL), 16 bytes and a UTC date-time where it has not.
//!
//! Diesel's own `Uuid` and `Timestamptz` exist on PostgreSQL only. These stand in their place and
//! tell `MultiConnection` how each backend carries them.

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
pub(crate) use diesel::sql_types::*;

use super::connection::{MultiBackend, MultiRawValue};

/// `bytea` on PostgreSQL, `BINARY` on MySQL, `BLOB` on SQLite.
pub(crate) type Bytea = Binary;

/// `uuid` on PostgreSQL, `BINARY(16)` on MySQL, `BLOB` on SQLite.
#[derive(Debug, Clone, Copy, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(mysql_type(name = "Blob"))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Uuid;

/// `timestamptz` on PostgreSQL, `DATETIME(6)` in UTC on MySQL, ISO 8601 text in UTC on SQLite.
#[derive(Debug, Clone, Copy, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(mysql_type(name = "DateTime"))]
#[diesel(sqlite_type(name = "Text"))]
pub struct Timestamptz;

// `table!` gives every column whose type has this name the operators + and -, and asks what they
// mean. Nothing here uses them.
impl ops::Add for Timestamptz {
    type Rhs = Self;
    type Output = Self;
}

impl ops::Sub for Timestamptz {
    type Rhs = Self;
    type Output = Self;
}

/// A 16-byte id in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Uuid)]
pub struct Id(pub uuid::Uuid);

/// A moment in a row, to the microsecond (SQLite: to the millisecond when its own clock gave it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamptz)]
pub struct Moment(pub DateTime<Utc>);

impl HasSqlType<Uuid> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Uuid>(lookup)
    }
}

impl HasSqlType<Timestamptz> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Timestamptz>(lookup)
    }
}

impl FromSql<Uuid, MultiBackend> for Id {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, Uuid>()
    }
}

impl ToSql<Uuid, MultiBackend> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Uuid, self));
        Ok(IsNull::No)
    }
}

impl FromSql<Timestamptz, MultiBackend> for Moment {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, Timestamptz>()
    }
}

impl ToSql<Timestamptz, MultiBackend> for Moment {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Timestamptz, self));
        Ok(IsNull::No)
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::io::Write;

    use diesel::pg::{Pg, PgValue, sql_types as pg};

    use super::*;

    impl FromSql<Uuid, Pg> for Id {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            Ok(Self(uuid::Uuid::from_slice(value.as_bytes())?))
        }
    }

    impl ToSql<Uuid, Pg> for Id {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            out.write_all(self.0.as_bytes())?;
            Ok(IsNull::No)
        }
    }

    impl FromSql<Timestamptz, Pg> for Moment {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            <DateTime<Utc> as FromSql<pg::Timestamptz, Pg>>::from_sql(value).map(Self)
        }
    }

    impl ToSql<Timestamptz, Pg> for Moment {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            ToSql::<pg::Timestamptz, Pg>::to_sql(&self.0.naive_utc(), &mut out.reborrow())
        }
    }
}

#[cfg(feature = "mysql")]
mod mysql {
    use std::io::Write;

    use chrono::NaiveDateTime;
    use diesel::mysql::{Mysql, MysqlValue};

    use super::*;

    impl FromSql<Uuid, Mysql> for Id {
        fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
            Ok(Self(uuid::Uuid::from_slice(value.as_bytes())?))
        }
    }

    impl ToSql<Uuid, Mysql> for Id {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
            out.write_all(self.0.as_bytes())?;
            Ok(IsNull::No)
        }
    }

    impl FromSql<Timestamptz, Mysql> for Moment {
        fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
            let naive = <NaiveDateTime as FromSql<Datetime, Mysql>>::from_sql(value)?;
            Ok(Self(naive.and_utc()))
        }
    }

    impl ToSql<Timestamptz, Mysql> for Moment {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
            ToSql::<Datetime, Mysql>::to_sql(&self.0.naive_utc(), &mut out.reborrow())
        }
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use chrono::NaiveDateTime;
    use diesel::sqlite::{Sqlite, SqliteValue};

    use super::*;

    impl FromSql<Uuid, Sqlite> for Id {
        fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
            Ok(Self(uuid::Uuid::from_slice(value.read_blob())?))
        }
    }

    impl ToSql<Uuid, Sqlite> for Id {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.0.as_bytes().as_slice());
            Ok(IsNull::No)
        }
    }

    impl FromSql<Timestamptz, Sqlite> for Moment {
        fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
            let naive = <NaiveDateTime as FromSql<Timestamp, Sqlite>>::from_sql(value)?;
            Ok(Self(naive.and_utc()))
        }
    }

    impl ToSql<Timestamptz, Sqlite> for Moment {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.0.naive_utc().format("%F %T%.6f").to_string());
            Ok(IsNull::No)
        }
    }
}
