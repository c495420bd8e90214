//! A trade and its life: placed, seen by the buyer, paid, refunded, closed.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::books::{self, Account, fee_returned};
use crate::clock;
use crate::crypto::{random_digits, random_text};
use crate::keys::MERCHANT_NAME;
use crate::sandbox::Sandbox;

use super::envelope::Style;
use super::money::yuan;
use super::operations::Party;
use super::parties::{self, buyer, fund_bills};
use super::refusal::Refusal;
use super::state::State;

/// How a trade came to be, by the method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Product {
    Precreate,
    Pay,
    Create,
    Page,
    Wap,
    App,
    /// Deducted under an agreement.
    Agreement,
    /// Paid out of what was held.
    Freeze,
}

impl Product {
    /// As `/sandbox/orders` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Precreate => "PRECREATE",
            Self::Pay => "PAY",
            Self::Create => "CREATE",
            Self::Page => "PAGE",
            Self::Wap => "WAP",
            Self::App => "APP",
            Self::Agreement => "AGREEMENT",
            Self::Freeze => "PREAUTH",
        }
    }

    /// As the cashier calls it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Precreate => "扫码支付 QR code",
            Self::Pay => "付款码 payment code",
            Self::Create => "小程序 mini-program",
            Self::Page => "电脑网站 website",
            Self::Wap => "手机网站 mobile website",
            Self::App => "App",
            Self::Agreement => "商家扣款 agreement",
            Self::Freeze => "预授权 authorization",
        }
    }

    /// How long it can be paid when the request does not say.
    fn lifetime(self) -> Duration {
        match self {
            Self::Precreate => Duration::hours(2),
            Self::Pay => Duration::hours(3),
            _ => Duration::days(15),
        }
    }

    /// Whether an unpaid trade's end is told. Face to face it is not.
    pub fn tells_closing(self) -> bool {
        matches!(self, Self::Create | Self::Page | Self::Wap | Self::App)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    WaitBuyerPay,
    Success,
    Finished,
    Closed,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::WaitBuyerPay => "WAIT_BUYER_PAY",
            Self::Success => "TRADE_SUCCESS",
            Self::Finished => "TRADE_FINISHED",
            Self::Closed => "TRADE_CLOSED",
        }
    }
}

#[derive(Clone)]
pub struct Trade {
    /// In the address of its cashier.
    pub token: String,
    pub product: Product,
    pub out_trade_no: String,
    /// None until the buyer has seen it: before that, it does not exist for any other method.
    pub trade_no: Option<String>,
    pub status: Status,
    pub total: i64,
    pub subject: String,
    /// biz_content as it was sent.
    pub request: Value,
    pub notify_url: Option<String>,
    pub return_url: Option<String>,
    pub party: Party,
    /// How the request was signed and encoded, and so everything that is told of it.
    pub style: Style,
    pub placed: OffsetDateTime,
    pub expires: OffsetDateTime,
    pub paid: Option<OffsetDateTime>,
    pub closed: Option<OffsetDateTime>,
    /// What the provider keeps of it.
    pub fee: i64,
    pub refunds: Vec<Refund>,
    pub settlements: Vec<Settlement>,
    /// A code was scanned and the buyer must still enter the password.
    pub asks_password: bool,
    pub declined: bool,
}

#[derive(Clone)]
pub struct Refund {
    pub out_request_no: String,
    pub amount: i64,
    pub reason: String,
    pub at: OffsetDateTime,
    /// The provider still works on it: neither done nor refused.
    pub pending: bool,
}

/// `alipay.trade.order.settle`
#[derive(Clone)]
pub struct Settlement {
    pub out_request_no: String,
    pub settle_no: String,
    pub amount: i64,
    pub royalties: Value,
    pub at: OffsetDateTime,
}

impl Trade {
    pub fn new(
        product: Product,
        (out_trade_no, subject, total): (&str, &str, i64),
        request: Value,
        party: Party,
        style: Style,
    ) -> Result<Self, Refusal> {
        let placed = clock::now();
        Ok(Self {
            token: random_text(24),
            product,
            out_trade_no: out_trade_no.to_owned(),
            trade_no: None,
            status: Status::WaitBuyerPay,
            total,
            subject: subject.to_owned(),
            expires: expiry(product, &request, placed)?,
            request,
            notify_url: None,
            return_url: None,
            party,
            style,
            placed,
            paid: None,
            closed: None,
            fee: books::fee(total),
            refunds: Vec::new(),
            settlements: Vec::new(),
            asks_password: false,
            declined: false,
        })
    }

    /// The buyer looks at it: from here on it exists for everybody.
    pub fn seen(&mut self) -> &str {
        let placed = self.placed;
        self.trade_no.get_or_insert_with(|| {
            format!("{}22001{}", clock::date_digits(placed), random_digits(15))
        })
    }

    pub fn number(&self) -> &str {
        self.trade_no.as_deref().unwrap_or_default()
    }

    pub fn is_paid(&self) -> bool {
        matches!(self.status, Status::Success | Status::Finished)
    }

    /// Has been given back, what is pending included.
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }

    /// Closes itself when its time has run out. True when it just has.
    pub fn lapse(&mut self) -> bool {
        let over = self.status == Status::WaitBuyerPay && clock::now() >= self.expires;
        if over {
            self.close();
        }
        over
    }

    pub fn close(&mut self) {
        self.status = Status::Closed;
        self.closed = Some(clock::now());
        self.asks_password = false;
    }

    /// Takes the buyer's money.
    pub fn pay(&mut self, sandbox: &Sandbox) -> Result<(), Refusal> {
        self.lapse();
        match self.status {
            Status::WaitBuyerPay => {}
            Status::Closed => return Err(has_closed()),
            Status::Success | Status::Finished => return Err(has_succeeded()),
        }
        self.seen();
        let moves = vec![
            (Account::Buyers, -self.total),
            (Account::basic(&self.party.seller), self.total - self.fee),
            (Account::Fees, self.fee),
        ];
        let cause = parties::cause("交易", self.number(), &self.out_trade_no);
        parties::post(sandbox, &self.party.seller, cause, moves)?;
        self.status = Status::Success;
        self.paid = Some(clock::now());
        self.asks_password = false;
        Ok(())
    }

    /// Gives money back; the whole of it closes the trade.
    pub fn refund(&mut self, sandbox: &Sandbox, refund: Refund) -> Result<(), Refusal> {
        let before = fee_returned(self.fee, self.total, self.refunded());
        let after = fee_returned(self.fee, self.total, self.refunded() + refund.amount);
        let fee = after - before;
        let moves = vec![
            (Account::basic(&self.party.seller), fee - refund.amount),
            (Account::Fees, -fee),
            (Account::Buyers, refund.amount),
        ];
        let cause = parties::cause("退款", self.number(), &refund.out_request_no);
        parties::post(sandbox, &self.party.seller, cause, moves)
            .map_err(|_| Refusal::business("ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足"))?;
        self.refunds.push(refund);
        if self.refunded() == self.total {
            self.close();
        }
        Ok(())
    }

    /// `alipay.trade.query`, and what the answer of a payment says too.
    pub fn answer(&self) -> Value {
        let total = yuan(self.total);
        let paid = self.paid.is_some();
        let received = if paid { total.clone() } else { "0.00".into() };
        let mut answer = buyer(json!({
            "trade_no": self.number(),
            "out_trade_no": self.out_trade_no,
            "trade_status": self.status.name(),
            "total_amount": total,
            "receipt_amount": received,
            "buyer_pay_amount": received,
            "invoice_amount": received,
            "point_amount": "0.00",
            "buyer_user_type": "PRIVATE",
            "subject": self.subject,
        }));
        if let Some(at) = self.paid {
            answer["send_pay_date"] = clock::plain(at).into();
            answer["fund_bill_list"] = fund_bills(&yuan(self.total));
        }
        for name in ["store_id", "terminal_id", "body", "passback_params"] {
            if let Some(value) = self.request[name].as_str() {
                answer[name] = value.into();
            }
        }
        answer
    }

    /// What the cashier shows.
    pub fn view(&self) -> Value {
        let state = match self.status {
            Status::WaitBuyerPay => "open",
            Status::Closed if self.paid.is_none() && clock::now() >= self.expires => "expired",
            Status::Closed if self.paid.is_none() => "closed",
            _ => "paid",
        };
        json!({
            "provider": "alipay",
            "merchant": MERCHANT_NAME,
            "description": self.subject,
            "amount_fen": self.total,
            "out_trade_no": self.out_trade_no,
            "trade_type": self.product.words(),
            "state": state,
            "transaction_id": self.trade_no,
            "paid_at": self.paid.map(clock::rfc3339),
        })
    }
}

pub fn has_closed() -> Refusal {
    Refusal::business("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
}

pub fn has_succeeded() -> Refusal {
    Refusal::business("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
}

pub fn not_exist() -> Refusal {
    Refusal::business("ACQ.TRADE_NOT_EXIST", "交易不存在")
}

/// `timeout_express`: `90m`, `2h`, `15d`, `1c`; or `time_expire`: a moment in Beijing time.
fn expiry(
    product: Product,
    request: &Value,
    placed: OffsetDateTime,
) -> Result<OffsetDateTime, Refusal> {
    let wrong = |name: &str, issue: &str| Refusal::parameter("ACQ.", name, issue);
    if let Some(text) = request["time_expire"].as_str() {
        return clock::parse_plain(text)
            .filter(|time| *time > placed)
            .ok_or_else(|| wrong("time_expire", "须为将来的时间 yyyy-MM-dd HH:mm:ss"));
    }
    let Some(text) = request["timeout_express"].as_str() else {
        return Ok(placed + product.lifetime());
    };
    if text == "1c" {
        let tomorrow = placed.date().next_day().unwrap_or(placed.date());
        return Ok(tomorrow.midnight().assume_offset(placed.offset()));
    }
    let unit = match text.chars().last() {
        Some('m') => Duration::minutes(1),
        Some('h') => Duration::hours(1),
        Some('d') => Duration::days(1),
        _ => Duration::ZERO,
    };
    let count: i32 = text
        .get(..text.len().saturating_sub(1))
        .and_then(|count| count.parse().ok())
        .unwrap_or(0);
    let length = unit * count;
    match length >= Duration::minutes(1) && length <= Duration::days(15) {
        true => Ok(placed + length),
        false => Err(wrong("timeout_express", "取值范围：1m～15d，或1c")),
    }
}

impl State {
    /// A new trade, or the one that its number already has if it is still the same.
    pub fn place(&mut self, trade: Trade) -> Result<&mut Trade, Refusal> {
        let found = self.trades.iter_mut().position(|other| {
            other.lapse();
            other.out_trade_no == trade.out_trade_no && other.party.seller == trade.party.seller
        });
        let Some(index) = found else {
            self.trades.push(trade);
            return Ok(self.trades.last_mut().expect("it was just put there"));
        };
        let other = &mut self.trades[index];
        match other.status {
            Status::Closed => return Err(has_closed()),
            Status::Success | Status::Finished => return Err(has_succeeded()),
            Status::WaitBuyerPay => {}
        }
        let same = |one: &Trade| {
            (
                one.product,
                one.total,
                one.subject.clone(),
                one.party.seller.clone(),
            )
        };
        if same(other) != same(&trade) {
            return Err(Refusal::business(
                "ACQ.CONTEXT_INCONSISTENT",
                "交易信息被篡改",
            ));
        }
        // The buyer goes back to where the latest request said.
        other.return_url = trade.return_url;
        other.notify_url = trade.notify_url;
        other.style = trade.style;
        Ok(other)
    }

    pub fn by_token(&mut self, token: &str) -> Option<&mut Trade> {
        let trade = self.trades.iter_mut().find(|trade| trade.token == token)?;
        trade.lapse();
        Some(trade)
    }

    /// By the merchant's number, also one that no buyer has seen yet.
    pub fn by_out_trade_no(&mut self, number: &str) -> Option<&mut Trade> {
        let trade = self
            .trades
            .iter_mut()
            .rfind(|trade| trade.out_trade_no == number)?;
        trade.lapse();
        Some(trade)
    }

    /// The trade that a request names, as it exists for other methods; `trade_no` counts more.
    pub fn named(&mut self, seller: &str, body: &Value) -> Result<&mut Trade, Refusal> {
        let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
        let (number, own) = (text("trade_no"), text("out_trade_no"));
        if number.is_none() && own.is_none() {
            let issue = "与trade_no不能同时为空";
            return Err(Refusal::parameter("ACQ.", "out_trade_no", issue));
        }
        let found = self.trades.iter_mut().find(|trade| {
            trade.party.seller == seller
                && match number {
                    Some(number) => trade.trade_no.as_deref() == Some(number),
                    None => Some(trade.out_trade_no.as_str()) == own,
                }
        });
        let trade = found
            .filter(|trade| trade.trade_no.is_some())
            .ok_or_else(not_exist)?;
        trade.lapse();
        Ok(trade)
    }
}
