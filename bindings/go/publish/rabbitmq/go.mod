module github.com/payseal/payseal/bindings/go/publish/rabbitmq

go 1.24

require (
	github.com/payseal/payseal/bindings/go v0.1.0
	github.com/rabbitmq/amqp091-go v1.16.0
)

replace github.com/payseal/payseal/bindings/go => ../../
