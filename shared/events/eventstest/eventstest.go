// Package eventstest checks events against the published schemas, as subscribers do.
package eventstest

import (
	"bytes"
	"sync"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compiled compiles the schemas, by type.
var compiled = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	schemas := map[string]*jsonschema.Schema{}
	compiler := jsonschema.NewCompiler()
	for _, kind := range events.Types() {
		file := "schema/" + kind + "." + events.SchemaVersion + ".json"
		content, err := events.Schemas.ReadFile(file)
		if err != nil {
			return nil, err
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			return nil, err
		}
		if err := compiler.AddResource(file, document); err != nil {
			return nil, err
		}
		if schemas[kind], err = compiler.Compile(file); err != nil {
			return nil, err
		}
	}
	return schemas, nil
})

// Check fails the test if the data of an event does not match the schema of its type.
func Check(t testing.TB, m events.Message) {
	t.Helper()
	schemas, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	kind := m.Attributes[events.AttrType]
	schema := schemas[kind]
	if schema == nil {
		t.Errorf("event %s is of type %q, which has no schema", m.Attributes["ce-id"], kind)
		return
	}
	data, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Data))
	if err == nil {
		err = schema.Validate(data)
	}
	if err != nil {
		t.Errorf("event %s: %v\n%s", m.Attributes["ce-id"], err, m.Data)
	}
}
