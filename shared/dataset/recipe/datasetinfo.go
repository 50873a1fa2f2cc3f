package recipe

import (
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// infoEntry converts an entry of a dataset_info.json.
func infoEntry(fields jsontext.Members) (Entry, error) {
	e := Entry{File: textOf(fields, "file_name")}
	switch {
	case e.File == "":
		return Entry{}, errors.New("file_name: it is missing, so the data are on a hub; download the data, and set file_name")
	case jsontext.Holds(fields.Get("num_samples")):
		return Entry{}, errors.New("num_samples: it takes records at random; remove it, and select samples with a budget")
	case jsontext.Holds(fields.Get("ranking")):
		return Entry{}, errors.New("ranking: records with a chosen and a rejected answer cannot be rated; remove the entry")
	}
	switch formatting := textOf(fields, "formatting"); formatting {
	case "", "alpaca":
		e.Reading.Form = "LLaMA-Factory alpaca"
	case "sharegpt":
		e.Reading.Form = "LLaMA-Factory sharegpt"
	case "openai":
		e.Reading.Form = "OpenAI messages"
	default:
		return Entry{}, fmt.Errorf("formatting: %q is not known; write alpaca, sharegpt or openai", formatting)
	}
	var err error
	if e.Reading.Columns, err = names(fields, "columns"); err != nil {
		return Entry{}, err
	}
	e.Reading.Tags, err = names(fields, "tags")
	return e, err
}

// names returns the texts of the object in the field key, by their keys. It returns nil if the field is missing or
// null.
func names(fields jsontext.Members, key string) (map[string]string, error) {
	value := fields.Get(key)
	if jsontext.TypeOf(value) == jsontext.None {
		return nil, nil
	}
	if jsontext.TypeOf(value) != jsontext.Object {
		return nil, fmt.Errorf("%s: found %s; write an object of names", key, jsontext.Describe(value))
	}
	found := map[string]string{}
	members := jsontext.Items(value)
	for i := 0; i < len(members); i += 2 {
		switch name := jsontext.Text(members[i]); jsontext.TypeOf(members[i+1]) {
		case jsontext.None: // the column is not used
		case jsontext.String:
			found[name] = jsontext.Text(members[i+1])
		default:
			return nil, fmt.Errorf("%s.%s: found %s; write a name", key, name, jsontext.Describe(members[i+1]))
		}
	}
	return found, nil
}

// textOf returns the text of a field; empty if the field is not a string.
func textOf(fields jsontext.Members, key string) string {
	if value := fields.Get(key); jsontext.TypeOf(value) == jsontext.String {
		return jsontext.Text(value)
	}
	return ""
}

// infoFields returns the fields of an entry that change in the recipe of a subset, with their new values.
func infoFields(p Part) map[string]any { return map[string]any{"file_name": p.File} }
