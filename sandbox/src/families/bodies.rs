//! The request bodies of the operations: names, types and limits from the provider's documentation.

use crate::fields::{Field, Kind, optional, required};

const MCHID: Field = required("mchid", Kind::Text { min: 1, max: 32 });
const APPID: Field = required("appid", Kind::Text { min: 1, max: 32 });
const OUT_TRADE_NO: Kind = Kind::Number {
    min: 6,
    max: 32,
    also: "_-|*",
};
const NOTIFY_URL: Kind = Kind::Text { min: 1, max: 255 };
const WORD: Kind = Kind::Text { min: 1, max: 256 };
const FEN: Kind = Kind::Integer {
    min: 0,
    max: i64::MAX,
};
const POSITIVE_FEN: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};
const COUNT: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};
const CNY: Kind = Kind::OneOf(&["CNY"]);

const AMOUNT: Kind = Kind::Object(&[required("total", POSITIVE_FEN), optional("currency", CNY)]);

const IDENTITY: Field = optional(
    "identity",
    Kind::Object(&[
        required(
            "type",
            Kind::OneOf(&[
                "IDCARD",
                "OVERSEA_PASSPORT",
                "HONGKONG_MACAO",
                "HONGKONG_MACAO_RESIDENT",
                "TAIWAN_RESIDENT",
                "FOREIGN_RESIDENT",
                "PHONE_NUMBER",
            ]),
        ),
        required("number", Kind::Sealed),
        required("name", Kind::Sealed),
    ]),
);

const GOODS: Kind = Kind::Object(&[
    required("merchant_goods_id", WORD),
    required("quantity", COUNT),
    required("unit_price", FEN),
    optional("goods_name", WORD),
    optional("wechatpay_goods_id", WORD),
]);

const DETAIL: Field = optional(
    "detail",
    Kind::Object(&[
        optional("cost_price", FEN),
        optional("invoice_id", WORD),
        optional("goods_detail", Kind::List(&GOODS)),
    ]),
);

const DEVICE_ID: Field = optional("device_id", Kind::Text { min: 1, max: 32 });
const CLIENT_IP: Kind = Kind::Text { min: 1, max: 45 };
const STORE_INFO: Field = optional(
    "store_info",
    Kind::Object(&[
        required("address", WORD),
        required("area_code", WORD),
        required("name", WORD),
        optional("id", WORD),
    ]),
);
const SCENE: Kind = Kind::Object(&[
    optional("payer_client_ip", CLIENT_IP),
    DEVICE_ID,
    STORE_INFO,
]);

const H5_SCENE: Kind = Kind::Object(&[
    required("payer_client_ip", CLIENT_IP),
    required(
        "h5_info",
        Kind::Object(&[
            required("type", Kind::Text { min: 1, max: 32 }),
            optional("app_name", WORD),
            optional("app_url", WORD),
            optional("bundle_id", WORD),
            optional("package_name", WORD),
        ]),
    ),
    DEVICE_ID,
    STORE_INFO,
]);

const SUBSIDY: Field = optional(
    "subsidy_info",
    Kind::Object(&[optional(
        "subsidy_detail",
        Kind::List(&Kind::Object(&[
            required("subsidy_period_type", Kind::OneOf(&["DAILY", "PERIOD"])),
            required(
                "subsidy_plan",
                Kind::List(&Kind::Object(&[
                    required("subsidy_installment_num", Kind::OneOfIntegers(&[3, 6, 12])),
                    required("subsidy_percent", Kind::OneOfIntegers(&[0, 100])),
                ])),
            ),
        ])),
    )]),
);

/// What every order has; `payer`, `scene_info` and `subsidy_info` differ by the kind of payment.
macro_rules! order {
    ($($more:expr),+ $(,)?) => {
        &[
            APPID,
            MCHID,
            required("description", Kind::Text { min: 1, max: 127 }),
            required("out_trade_no", OUT_TRADE_NO),
            required("notify_url", NOTIFY_URL),
            required("amount", AMOUNT),
            optional("time_expire", Kind::Time),
            optional("attach", Kind::Text { min: 1, max: 128 }),
            optional("goods_tag", Kind::Text { min: 1, max: 32 }),
            optional("support_fapiao", Kind::Boolean),
            optional("limit_pay", Kind::List(&Kind::OneOf(&["balance_only", "no_balance", "no_credit", "no_debit"]))),
            optional("settle_info", Kind::Object(&[optional("profit_sharing", Kind::Boolean)])),
            DETAIL,
            $($more),+
        ]
    };
}

const PAYER_IDENTITY: Field = optional("payer", Kind::Object(&[IDENTITY]));

pub const JSAPI: &[Field] = order![
    required(
        "payer",
        Kind::Object(&[
            required("openid", Kind::Text { min: 1, max: 128 }),
            IDENTITY
        ])
    ),
    optional("scene_info", SCENE),
    SUBSIDY,
];
pub const APP: &[Field] = order![PAYER_IDENTITY, optional("scene_info", SCENE), SUBSIDY];
pub const H5: &[Field] = order![PAYER_IDENTITY, required("scene_info", H5_SCENE)];
pub const NATIVE: &[Field] = order![PAYER_IDENTITY, optional("scene_info", SCENE)];

pub const CLOSE: &[Field] = &[MCHID];

pub const REFUND: &[Field] = &[
    optional("transaction_id", Kind::Text { min: 1, max: 32 }),
    optional("out_trade_no", OUT_TRADE_NO),
    required(
        "out_refund_no",
        Kind::Number {
            min: 1,
            max: 64,
            also: "_-|*@",
        },
    ),
    optional("reason", Kind::Text { min: 1, max: 80 }),
    optional("notify_url", NOTIFY_URL),
    optional("funds_account", Kind::OneOf(&["AVAILABLE", "UNSETTLED"])),
    required(
        "amount",
        Kind::Object(&[
            required("refund", POSITIVE_FEN),
            required("total", POSITIVE_FEN),
            required("currency", CNY),
            optional(
                "from",
                Kind::List(&Kind::Object(&[
                    required("account", Kind::OneOf(&["AVAILABLE", "UNAVAILABLE"])),
                    required("amount", POSITIVE_FEN),
                ])),
            ),
        ]),
    ),
    optional(
        "goods_detail",
        Kind::List(&Kind::Object(&[
            required("merchant_goods_id", WORD),
            required("unit_price", FEN),
            required("refund_amount", FEN),
            required("refund_quantity", COUNT),
            optional("goods_name", WORD),
            optional("wechatpay_goods_id", WORD),
        ])),
    ),
];
