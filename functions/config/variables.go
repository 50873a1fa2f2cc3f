package config

import (
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/spelling"
)

// A Variable is one variable of the environment, as the tags of a struct's field describe it.
type Variable struct {
	Name string
	// Default is the value if the variable is not set; empty without a default.
	Default string
	Meaning string

	field reflect.StructField
}

// check refuses texts that Go reads as numbers but people do not write: 1_000, 0x10, 010 (Go reads 8), inf, nan.
func (v Variable) check(value string) error {
	switch kind := v.field.Type.Kind(); {
	case value == "" || v.field.Type == reflect.TypeFor[time.Duration]():
		return nil
	case kind == reflect.Float64:
		_, err := spelling.Number(value)
		return err
	case kind == reflect.Int || kind == reflect.Int64:
		return spelling.CheckWhole(value)
	}
	return nil
}

// cause removes the name of the field from an error, because users do not know it.
func (v Variable) cause(err error) error {
	if _, text, found := strings.Cut(err.Error(), v.field.Name+": "); found {
		return errors.New(text)
	}
	return err
}

// Variables returns the variables that a struct and its nested structs read, in the order of their fields.
func Variables(structure any) []Variable { return variables(reflect.TypeOf(structure)) }

func variables(t reflect.Type) []Variable {
	var found []Variable
	for field := range t.Fields() {
		tag, ok := field.Tag.Lookup("env")
		if !ok {
			if field.Type.Kind() == reflect.Struct {
				found = append(found, variables(field.Type)...)
			}
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		v := Variable{Name: strings.TrimSpace(name), Meaning: field.Tag.Get("meaning"), field: field}
		if _, text, has := strings.Cut(options, "default="); has {
			v.Default = text
		}
		found = append(found, v)
	}
	return found
}
