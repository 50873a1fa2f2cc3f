package spelling

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// Fields returns the names of a struct's fields in files, by the tag `json` or `yaml`, including fields of embedded
// structs. It omits fields named "-" and fields without the tag.
func Fields(v any, tag string) []string {
	return fields(reflect.TypeOf(v), tag)
}

func fields(t reflect.Type, tag string) (names []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get(tag), ",")
		switch {
		case name == "-" || !field.IsExported() && !field.Anonymous:
		case name != "":
			names = append(names, name)
		case field.Anonymous || strings.Contains(options, "inline"):
			names = append(names, fields(field.Type, tag)...)
		}
	}
	return names
}

var unknownJSON = regexp.MustCompile(`^json: unknown field "(.*)"$`)

// JSON converts an error of decoding JSON into v to a message for the author of the JSON. The message names fields as
// in the JSON, and has the nearest known name for an unknown field.
func JSON(err error, v any) error {
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		text := fmt.Sprintf("give %s, not %s", kindOf(wrong.Type, "json"), jsonValue(wrong.Value))
		if path := strings.Split(wrong.Field, "."); wrong.Field != "" {
			text = path[len(path)-1] + ": " + text
		}
		return errors.New(text)
	}
	if match := unknownJSON.FindStringSubmatch(err.Error()); match != nil {
		return fmt.Errorf("unknown field %q%s", match[1], Hint(match[1], Fields(v, "json")))
	}
	return err
}

var (
	unknownYAML = regexp.MustCompile(`line (\d+): field (.*) not found in type (\S+)`)
	wrongYAML   = regexp.MustCompile("line (\\d+): cannot unmarshal !!(\\S+) (?:`(.*)` )?into (\\S+)")
)

// YAML converts an error of decoding YAML into v to a message for the author of the YAML.
func YAML(err error, v any) error {
	if err == nil {
		return nil
	}
	var faults []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		if match := unknownYAML.FindStringSubmatch(line); match != nil {
			hint := ""
			if in := typeIn(reflect.TypeOf(v), match[3]); in != nil {
				hint = Hint(match[2], fields(in, "yaml"))
			}
			line = fmt.Sprintf("line %s: there is no key %q%s", match[1], match[2], hint)
		} else if match := wrongYAML.FindStringSubmatch(line); match != nil {
			line = fmt.Sprintf("line %s: %s", match[1], wrongValue(match[2], match[3], typeIn(reflect.TypeOf(v), match[4])))
		} else if strings.HasSuffix(line, "yaml: unmarshal errors:") {
			continue
		}
		faults = append(faults, line)
	}
	return errors.New(strings.Join(faults, "; "))
}
