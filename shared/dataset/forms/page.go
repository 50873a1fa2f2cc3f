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
	b.WriteString(conversions())
	return b.String()
}

// conversions documents --output-format.
func conversions() string {
	var b strings.Builder
	b.WriteString("\n# Conversions\n\n" + wrap("`--output-format FORM` writes a subset in another form, where nothing is "+
		"lost; each field has one type in all records. Else it names the record and the field that would be lost. The "+
		"same subset is the same bytes every time. Fields that no form reads stay.", blank) + "\n\n" +
		"| FORM | file | records | images |\n| --- | --- | --- | --- |\n")
	for _, o := range outputs {
		file, images := "`subset.json`, `.jsonl`", "names"
		switch o.name {
		case WebDataset:
			file, images = "`subset.tar`", "members"
		case Parquet:
			file, images = "`subset.parquet`", "`[{bytes, path}]`"
		}
		fields := o.turns
		if o.images != "" {
			fields = o.images + ", " + fields
		}
		content := o.content
		if o.inParts {
			content += " in parts"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s with %s and %s | %s |\n", o.name, file, fields, o.role, content, images)
	}
	b.WriteString("\n" + wrap("JSON is written as the manifests are, and as an array from a tar or a Parquet file. From "+
		"these, images become files in the folder `images` next to the subset, "+
		"each once and named by its content, and records name them relative to the subset: the folder can be moved as a "+
		"whole. Parquet has the images in a column that Hugging Face's datasets library shows. Where images are "+
		"copied, the names that they had stand in the list `image_names`, null for an image "+
		"without one, or as the `path` in Parquet. A subset that has a container's form already is written as it is. In "+
		"Parquet a field is a column of the type that its values have: text, true or false, whole numbers of 64 bits, "+
		"numbers, lists and objects of these, and null where a record does not have it; a field of two types is refused "+
		"by its name.", blank) + "\n\n# Files that are cut short\n\n" + wrap("What says itself that it is not whole is "+
		"never read as a smaller dataset. A tar without the zeros that end it has one more sample, which fails and names "+
		"the byte; so has one that is cut in a member. A JSON array without its end, a Parquet file without its footer, "+
		"and a compressed stream that ends too early are refused. Of files whose names say of how many they are, such as "+
		"train-00000-of-00012.parquet, the missing ones are named in a note. JSONL that is cut between two lines, and "+
		"gzip, zstd, bzip2 or xz that is cut between two streams, look as whole ones do, except for bgzip.", blank) + "\n")
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
