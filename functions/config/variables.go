package config

import (
	"reflect"
	"strings"
)

// A Variable is one variable of the environment, as the tags of a struct's field describe it.
type Variable struct {
	Name string
	// Default is the text that stands for the variable where it is not set; empty if nothing does.
	Default string
	Meaning string
}

// Variables are those that a struct and the structs in it take, in their order.
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
		v := Variable{Name: strings.TrimSpace(name), Meaning: field.Tag.Get("meaning")}
		if _, text, has := strings.Cut(options, "default="); has {
			v.Default = text
		}
		found = append(found, v)
	}
	return found
}
