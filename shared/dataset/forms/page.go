package forms

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
)

// Page is the page that documents the forms and containers, in Markdown: README.md of this package.
func Page() string {
	var b strings.Builder
	b.WriteString("# Forms of records\n\n" +
		wrap("Generated from `Table` by `go test ./shared/dataset/forms -run Page -update`.", blank) + "\n\n" +
		wrap("The form of a record is the first of these that it is written in. `--format NAME` (`format:` in "+
			"dataset.yaml) has all records read as one form. In every form `id` is the sample's id, and `data_source`, "+
			"`image_source` or `source` says where it is from. Several spellings of roles are known, such as `human` and "+
			"`user`. Fields that no form reads stay in the record.", blank) + "\n")
	for _, form := range Table() {
		reads := sentence(form.Reads)
		fmt.Fprintf(&b, "\n## %s\n\n```json\n%s\n```\n\n%s\n", form.Name, wrap(form.Shape, betweenValues), wrap(reads, blank))
	}
	b.WriteString("\n# Containers\n\n" + wrap("These files hold images next to the records, which are written in one of "+
		"the forms above. They are found by their content. A subset of them is a file of the same kind; all manifests of "+
		"a dataset have to be of one kind then. Images are read when their samples are scored, and are not copied.",
		blank) + "\n")
	for _, kind := range kinds.All() {
		name := strings.ToUpper(kind.Name[2:3]) + kind.Name[3:]
		fmt.Fprintf(&b, "\n## %s\n\n```\n%s\n```\n\n%s\n", name, kind.Shape, wrap(sentence(kind.Reads), blank))
	}
	return b.String()
}

// sentence is a text as one.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// pageWidth is the longest line of the page.
const pageWidth = 118

var (
	blank = regexp.MustCompile(` `)
	// betweenValues matches the blank before a value of an array or a key of an object.
	betweenValues = regexp.MustCompile(` ["{[]`)
)

// wrap breaks a text into lines, each as long as fits the page and ends before a match.
func wrap(text string, at *regexp.Regexp) string {
	var lines []string
	for len(text) > pageWidth {
		breaks := at.FindAllStringIndex(text[:pageWidth], -1)
		if len(breaks) == 0 {
			break
		}
		end := breaks[len(breaks)-1][0]
		lines = append(lines, text[:end])
		text = text[end+1:]
	}
	return strings.Join(append(lines, text), "\n")
}
