module github.com/payseal/payseal/benches/go

go 1.25

require (
	github.com/payseal/payseal/bindings/go v0.0.0
	github.com/smartwalle/alipay/v3 v3.2.28
	github.com/wechatpay-apiv3/wechatpay-go v0.2.21
)

require (
	github.com/smartwalle/ncrypto v1.0.4 // indirect
	github.com/smartwalle/ngx v1.0.12 // indirect
	github.com/smartwalle/nsign v1.0.9 // indirect
)

replace github.com/payseal/payseal/bindings/go => ../../bindings/go
