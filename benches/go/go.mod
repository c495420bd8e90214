module github.com/payseal/payseal/benches/go

go 1.25

require (
	github.com/payseal/payseal/bindings/go v0.0.0
	github.com/wechatpay-apiv3/wechatpay-go v0.2.21
)

replace github.com/payseal/payseal/bindings/go => ../../bindings/go
