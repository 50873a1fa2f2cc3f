package gpu

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// The names of the two models in queries.
const (
	scorerModel = "scorer"
	stylerModel = "styler"
)

// An Address has, for each model, the base URLs of its sidecars. Several sidecars of one model share the requests to
// the model. If every sidecar has both models, the lists are equal.
type Address struct{ Scorer, Styler []string }

// Together reports whether every sidecar has both models.
func (a Address) Together() bool { return slices.Equal(a.Scorer, a.Styler) }

// ParseAddress reads `URL,URL,...`, or `scorer=URL,styler=URL` for sidecars with one model each; a model may have
// several URLs. A URL is http or https. It may have a path, to which the paths of the API are appended.
func ParseAddress(s string) (Address, error) {
	var a Address
	for entry := range strings.SplitSeq(s, ",") {
		model, text, named := strings.Cut(entry, "=")
		if !named {
			model, text = "", entry
		}
		base, err := baseURL(strings.TrimSpace(text))
		switch strings.TrimSpace(model) {
		case "":
			err = errors.Join(err, add(&a.Scorer, base), add(&a.Styler, base))
		case scorerModel:
			err = errors.Join(err, add(&a.Scorer, base))
		case stylerModel:
			err = errors.Join(err, add(&a.Styler, base))
		default:
			return Address{}, fmt.Errorf("%q names neither scorer nor styler: give URLs, or scorer=URL,styler=URL", entry)
		}
		if err != nil {
			return Address{}, err
		}
	}
	if len(a.Scorer) == 0 || len(a.Styler) == 0 {
		return Address{}, errors.New("both models need a sidecar: give a URL, or scorer=URL,styler=URL")
	}
	return a, nil
}

// add appends a sidecar's URL to a list of URLs.
func add(to *[]string, base string) error {
	if base != "" && slices.Contains(*to, base) {
		return fmt.Errorf("%s is given twice", base)
	}
	*to = append(*to, base)
	return nil
}

func baseURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", fmt.Errorf("%q is not a URL: give one such as http://localhost:8700", s)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
		u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("%q is not the URL of a sidecar: give one such as http://localhost:8700", s)
	}
	return strings.TrimRight(u.String(), "/"), nil
}
