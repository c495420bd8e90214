// Package filled makes values in which nothing is left out, for tests of the models.
package filled

import (
	"encoding/json"
	"reflect"
)

// Unknown is the member of an object of which nothing is known.
const Unknown = "something unknown"

// Of is a T of which every field is set, however deep.
func Of[T any]() *T {
	value := new(T)
	Fill(reflect.ValueOf(value).Elem())
	return value
}

// Fill sets every field of a settable value. It panics where a model has a kind of field that models do not have.
func Fill(value reflect.Value) {
	switch value.Kind() {
	case reflect.String:
		value.SetString("text")
	case reflect.Int64:
		value.SetInt(7)
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		Fill(value.Elem())
	case reflect.Slice:
		if value.Type() == reflect.TypeFor[json.RawMessage]() {
			value.SetBytes([]byte(`{"` + Unknown + `":"value"}`))
			return
		}
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		Fill(value.Index(0))
	case reflect.Struct:
		for i := range value.NumField() {
			Fill(value.Field(i))
		}
	default:
		panic("a model has a " + value.Kind().String())
	}
}
