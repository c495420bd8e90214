//! The request bodies of the operations: names, types and limits from the provider's documentation.

use crate::fields::{Field, Kind, optional, required};

pub const MCHID: Field = required("mchid", Kind::Text { min: 1, max: 32 });
pub const APPID: Field = required("appid", ID);
/// An appid, an mchid, or a number of the provider's.
pub const ID: Kind = Kind::Text { min: 1, max: 32 };
pub const OPENID: Kind = Kind::Text { min: 1, max: 128 };
pub const OUT_TRADE_NO: Kind = Kind::Number {
    min: 6,
    max: 32,
    also: "_-|*",
};
pub const NOTIFY_URL: Kind = Kind::Text { min: 1, max: 255 };
pub const WORD: Kind = Kind::Text { min: 1, max: 256 };
pub const FEN: Kind = Kind::Integer {
    min: 0,
    max: i64::MAX,
};
pub const POSITIVE_FEN: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};
pub const COUNT: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};
pub const CNY: Kind = Kind::OneOf(&["CNY"]);

pub const AMOUNT: Kind =
    Kind::Object(&[required("total", POSITIVE_FEN), optional("currency", CNY)]);

pub const IDENTITY: Field = optional(
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

pub const DETAIL: Field = optional(
    "detail",
    Kind::Object(&[
        optional("cost_price", FEN),
        optional("invoice_id", WORD),
        optional("goods_detail", Kind::List(&GOODS)),
    ]),
);

pub const DEVICE_ID: Field = optional("device_id", Kind::Text { min: 1, max: 32 });
pub const CLIENT_IP: Kind = Kind::Text { min: 1, max: 45 };
const STORE_INFO: Field = optional(
    "store_info",
    Kind::Object(&[
        required("address", WORD),
        required("area_code", WORD),
        required("name", WORD),
        optional("id", WORD),
    ]),
);
pub const SCENE: Kind = Kind::Object(&[
    optional("payer_client_ip", CLIENT_IP),
    DEVICE_ID,
    STORE_INFO,
]);

pub const H5_SCENE: Kind = Kind::Object(&[
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

pub const SUBSIDY: Field = optional(
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
    ([$($parties:expr),+] $($more:expr),+ $(,)?) => {
        &[
            $($parties,)+
            required("description", Kind::Text { min: 1, max: 127 }),
            required("out_trade_no", OUT_TRADE_NO),
            required("notify_url", NOTIFY_URL),
            required("amount", AMOUNT),
            optional("time_expire", Kind::Time),
            optional("attach", Kind::Text { min: 1, max: 128 }),
            optional("goods_tag", Kind::Text { min: 1, max: 32 }),
            optional("support_fapiao", Kind::Boolean),
            optional("limit_pay", Kind::List(&Kind::OneOf(&["balance_only", "no_balance", "no_credit", "no_debit"]))),
            optional("settle_info", Kind::Object(&[optional("profit_sharing", Kind::Boolean), optional("subsidy_amount", FEN)])),
            DETAIL,
            $($more),+
        ]
    };
}

const PAYER_IDENTITY: Field = optional("payer", Kind::Object(&[IDENTITY]));

pub const JSAPI: &[Field] = order![
    [APPID, MCHID]
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
pub const APP: &[Field] =
    order![[APPID, MCHID] PAYER_IDENTITY, optional("scene_info", SCENE), SUBSIDY];
pub const H5: &[Field] = order![[APPID, MCHID] PAYER_IDENTITY, required("scene_info", H5_SCENE)];
pub const NATIVE: &[Field] = order![[APPID, MCHID] PAYER_IDENTITY, optional("scene_info", SCENE)];

/// What a service provider says instead of `appid` and `mchid`.
const SP_APPID: Field = required("sp_appid", ID);
pub const SP_MCHID: Field = required("sp_mchid", ID);
const SUB_APPID: Field = optional("sub_appid", ID);
pub const SUB_MCHID: Field = required("sub_mchid", ID);

/// Of `sp_openid` and `sub_openid` one is enough; which, is checked with the appids.
const PARTNER_PAYER: Kind = Kind::Object(&[
    optional("sp_openid", OPENID),
    optional("sub_openid", OPENID),
    IDENTITY,
]);

pub const PARTNER_JSAPI: &[Field] = order![
    [SP_APPID, SP_MCHID, SUB_APPID, SUB_MCHID]
    required("payer", PARTNER_PAYER),
    optional("scene_info", SCENE),
    SUBSIDY,
];
pub const PARTNER_APP: &[Field] = order![
    [SP_APPID, SP_MCHID, SUB_APPID, SUB_MCHID]
    PAYER_IDENTITY,
    optional("scene_info", SCENE),
    SUBSIDY,
];
pub const PARTNER_H5: &[Field] = order![
    [SP_APPID, SP_MCHID, SUB_APPID, SUB_MCHID]
    PAYER_IDENTITY,
    required("scene_info", H5_SCENE),
];
pub const PARTNER_NATIVE: &[Field] = order![
    [SP_APPID, SP_MCHID, SUB_APPID, SUB_MCHID]
    PAYER_IDENTITY,
    optional("scene_info", SCENE),
];

/// A scanned code: no address to notify, the answer is the payment.
macro_rules! codepay {
    ($($party:expr),+) => {
        &[
            $($party,)+
            required("description", Kind::Text { min: 1, max: 127 }),
            required("out_trade_no", OUT_TRADE_NO),
            required("amount", AMOUNT),
            required("payer", Kind::Object(&[required("auth_code", Kind::Text { min: 1, max: 32 })])),
            required(
                "scene_info",
                Kind::Object(&[
                    DEVICE_ID,
                    optional("device_ip", CLIENT_IP),
                    required("store_info", Kind::Object(&[optional("id", WORD), optional("out_id", WORD)])),
                ]),
            ),
            optional("attach", Kind::Text { min: 1, max: 128 }),
            optional("goods_tag", Kind::Text { min: 1, max: 32 }),
            optional("support_fapiao", Kind::Boolean),
            optional("settle_info", Kind::Object(&[optional("profit_sharing", Kind::Boolean)])),
            DETAIL,
        ]
    };
}

pub const CODEPAY: &[Field] = codepay![APPID, MCHID];
pub const PARTNER_CODEPAY: &[Field] =
    codepay![optional("sp_appid", ID), SP_MCHID, SUB_APPID, SUB_MCHID];

pub const CLOSE: &[Field] = &[MCHID];
pub const PARTNER_CLOSE: &[Field] = &[SP_MCHID, SUB_MCHID];
pub const REVERSE: &[Field] = &[APPID, MCHID];
pub const PARTNER_REVERSE: &[Field] = &[optional("sp_appid", ID), SP_MCHID, SUB_APPID, SUB_MCHID];

pub const OUT_REFUND_NO: Field = required(
    "out_refund_no",
    Kind::Number {
        min: 1,
        max: 64,
        also: "_-|*@",
    },
);

/// The card that an abnormal refund is to go to instead.
pub const ABNORMAL_REFUND: &[Field] = &[
    OUT_REFUND_NO,
    optional("sub_mchid", ID),
    required(
        "type",
        Kind::OneOf(&["USER_BANK_CARD", "MERCHANT_BANK_CARD"]),
    ),
    optional("bank_type", ID),
    optional("bank_account", Kind::Sealed),
    optional("real_name", Kind::Sealed),
];

pub const REFUND: &[Field] = &[
    optional("sub_mchid", ID),
    optional("transaction_id", Kind::Text { min: 1, max: 32 }),
    optional("out_trade_no", OUT_TRADE_NO),
    OUT_REFUND_NO,
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
