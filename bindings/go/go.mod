module github.com/payseal/payseal/bindings/go

go 1.24
