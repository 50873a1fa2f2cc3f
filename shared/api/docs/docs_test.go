package docs_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/api/apitest"
	"github.com/harvest-ml/harvest/shared/api/docs"
	"github.com/harvest-ml/harvest/shared/page"
)

func pages(t *testing.T) *docs.Pages {
	t.Helper()
	p, err := docs.New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The page of the API contains every call with all of its answers and parameters, and every type with all of its
// fields.
func TestReferenceIsWhole(t *testing.T) {
	t.Parallel()
	document, err := apitest.Document()
	if err != nil {
		t.Fatal(err)
	}
	reference := string(pages(t).Reference)
	section := func(id string) string {
		t.Helper()
		_, after, found := strings.Cut(reference, `<section aria-labelledby="`+id+`">`)
		if !found {
			t.Errorf("the page lacks %s", id)
		}
		text, _, _ := strings.Cut(after, "</section>")
		return text
	}
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			text := section(op.OperationID)
			if !strings.Contains(text, method+" "+path+"</h3>") || !strings.Contains(text, "curl -s ") {
				t.Errorf("%s %s: %s", method, path, text)
			}
			for status := range op.Responses.Map() {
				if !strings.Contains(text, "<td>"+status+"</td>") {
					t.Errorf("%s %s lacks the answer %s", method, path, status)
				}
			}
			for _, p := range append(item.Parameters, op.Parameters...) {
				if !strings.Contains(text, "<code>"+p.Value.Name+"</code>") {
					t.Errorf("%s %s lacks the parameter %s", method, path, p.Value.Name)
				}
			}
		}
	}
	for name, schema := range document.Components.Schemas {
		text := section("type-" + name)
		for field := range schema.Value.Properties {
			if !strings.Contains(text, "<code>"+field+"</code>") {
				t.Errorf("the type %s lacks the field %s", name, field)
			}
		}
	}
}

// The pages load nothing. Their links point to themselves or to this service, and the policy allows only their own
// style.
func TestPagesLoadNothing(t *testing.T) {
	t.Parallel()
	p := pages(t)
	for name, content := range map[string]string{"reference": string(p.Reference)} {
		for _, link := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(content, -1) {
			id, inside := strings.CutPrefix(link[1], "#")
			if inside && !strings.Contains(content, ` id="`+id+`"`) {
				t.Errorf("%s: there is no %s", name, link[1])
			}
			if !inside && !strings.HasPrefix(link[1], "/") && link[1] != "data:," || strings.HasPrefix(link[1], "//") {
				t.Errorf("%s refers to %s", name, link[1])
			}
		}
		style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(content)
		if style == nil || page.Policy([]byte(style[1]), nil) != p.Policy {
			t.Errorf("%s: the policy does not allow the style of the page", name)
		}
		for _, forbidden := range []string{"<script", " style=", "@import", "url("} {
			if strings.Contains(content, forbidden) {
				t.Errorf("%s has %s", name, forbidden)
			}
		}
	}
}
