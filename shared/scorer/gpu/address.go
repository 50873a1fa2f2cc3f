package gpu

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// The names of the models that the rubric's prompts are for.
const (
	scorerModel = "scorer"
	stylerModel = "styler"
)

// An Address says where the two models are: base URLs, equal where one sidecar has both.
type Address struct{ Scorer, Styler string }

// ParseAddress reads `URL`, or `scorer=URL,styler=URL` for a sidecar each. URLs are http or https;
// a path before the API's own is kept.
func ParseAddress(s string) (Address, error) {
	if !strings.Contains(s, "=") {
		base, err := baseURL(s)
		return Address{Scorer: base, Styler: base}, err
	}
	var a Address
	for entry := range strings.SplitSeq(s, ",") {
		model, text, _ := strings.Cut(entry, "=")
		field := map[string]*string{scorerModel: &a.Scorer, stylerModel: &a.Styler}[strings.TrimSpace(model)]
		switch {
		case field == nil:
			return Address{}, fmt.Errorf("%q names neither scorer nor styler: give a URL, or scorer=URL,styler=URL", entry)
		case *field != "":
			return Address{}, fmt.Errorf("%s is given twice", model)
		}
		base, err := baseURL(strings.TrimSpace(text))
		if err != nil {
			return Address{}, fmt.Errorf("%s: %w", model, err)
		}
		*field = base
	}
	if a.Scorer == "" || a.Styler == "" {
		return Address{}, errors.New("both models are needed: give a URL, or scorer=URL,styler=URL")
	}
	return a, nil
}

func baseURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", fmt.Errorf("%q is not a URL: give one such as http://localhost:8700", s)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
		u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("%q is not an address of a sidecar: give a URL such as http://localhost:8700", s)
	}
	return strings.TrimRight(u.String(), "/"), nil
}
