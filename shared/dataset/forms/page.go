package forms

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
)

// Page is the page that documents the forms and containers, in Markdown: README.md of this package.
func Page() string {
	return "# Forms of records\n\nGenerated from `Table` by `go test ./shared/dataset/forms -run Page -update`.\n\n" +
		page(pageWidth).text()
}

// Help is the same for a terminal of this many columns.
func Help(columns int) string { return page(columns).text() }

// A page is written in lines of at most this many columns.
type page int

func (p page) text() string {
	var b strings.Builder
	b.WriteString(
		p.wrap("Harvest reads a record in the first of these forms that fits it. `--format NAME` (`format:` in "+
			"dataset.yaml) reads all records in one form. In every form `id` is the sample's id, and `data_source`, "+
			"`image_source` or `source` is its source. Several spellings of roles are known, such as `human` and `user`. "+
			"Fields that no form reads stay in the record.", blank) + "\n\n" +
			p.wrap("A record may hold its conversation in the fields of two forms. If both say the same, or one is a part of "+
				"the one that is read, a conversion writes only the latter. If they differ, the record fails "+
				"(`two_conversations`), unless `--format` says which one to read.", blank) + "\n")
	for _, form := range Table() {
		reads := sentence(form.Reads)
		fmt.Fprintf(&b, "\n## %s\n\n```json\n%s\n```\n\n%s\n", form.Name, p.wrap(form.Shape, betweenValues),
			p.wrap(reads, blank))
	}
	b.WriteString("\n# Containers\n\n")
	b.WriteString(p.wrap("These files hold images next to the records, which are written in one of "+
		"the forms above. Harvest recognises them by their content. A subset of them is a file of the same kind, so all "+
		"manifests of a dataset have to be of one kind. Images are read when their samples are scored, and are not copied.",
		blank) + "\n")
	for _, kind := range kinds.All() {
		name := strings.ToUpper(kind.Name[2:3]) + kind.Name[3:]
		fmt.Fprintf(&b, "\n## %s\n\n```\n", name)
		for line := range strings.Lines(kind.Shape + "\n") {
			fmt.Fprintln(&b, p.wrap(strings.TrimSuffix(line, "\n"), blank))
		}
		fmt.Fprintf(&b, "```\n\n%s\n", p.wrap(sentence(kind.Reads), blank))
	}
	b.WriteString(p.conversions())
	return b.String()
}

// conversions documents --output-format.
func (p page) conversions() string {
	var b strings.Builder
	b.WriteString("\n# Conversions\n\n" + p.wrap("`--output-format FORM` writes a subset in another form, if nothing is "+
		"lost. Each field of the form then has one type in all records. If something would be lost, nothing is written, "+
		"and the error says how many records lose what. `harvest curate` tries this with the first 20,000 records before it "+
		"scores: it warns if some of them would lose content. The same subset gives the same bytes every time. Fields "+
		"that no form reads stay.", blank) + "\n\n" +
		p.wrap("A record that already has the form, with these fields and types, is written unchanged: it keeps, for "+
			"example, the weight of a turn, and may have no id. Only the names of images that are copied change in it. Any "+
			"other record gets the id by which the run knows it. If turns have fields that no form reads, such as a weight, "+
			"and the record differs from the form only in its id, its images or its texts, only these change: a number as "+
			"id becomes a text, the name of one image becomes a list, a text becomes a part where contents are parts.",
			blank) + "\n\n")
	p.outputs(&b)
	b.WriteString("\n" + p.wrap("JSON is written as an array or as lines, as in the manifests; from tars and Parquet "+
		"files as an array. Images of tars and Parquet files become files in the folder `images` next to the subset. Each "+
		"is written once and named by its content. Records name it relative to the subset, so the folder can be moved as a "+
		"whole. In Parquet the images are in a column that Hugging Face's datasets library shows. The names that "+
		"copied images had before are in the list `image_names`, null for an image without a name, or in Parquet in "+
		"`path`. A tar as `webdataset`, and a Parquet file as `parquet`, is copied. In Parquet each field is a column. Its "+
		"type is that of its values: text, true or false, whole numbers of 64 bits, numbers, lists and objects of these. It "+
		"is null where a record does not have the field. A field of two types is refused, with its name.", blank) +
		"\n\n" + p.wrap("In `trl` a prompt and its completion stay apart. Both are always lists of messages whose contents "+
		"are parts: some records may have texts and others messages, and a field has one type. So TRL applies the "+
		"model's chat template to them. A dataset of both kinds of records, with prompts and with messages, is refused "+
		"in `trl`, because TRL reads only one kind in a file. In the other forms they become turns. Trainers of those "+
		"forms train on each answer, and TRL on the completion alone. So a prompt that holds an answer is refused there, "+
		"and so is a completion that does not begin with one.", blank) +
		"\n\n" + p.wrap("Images without a place in the turns are put before the first question: on a line of their own in "+
		"a text, and as parts before the text where a form has parts.", blank) +
		"\n\n# Files that are cut short\n\n" + p.wrap("A file that shows that it was cut short "+
		"is never read as a smaller dataset. A tar without the zeros at its end gets one more sample, which fails and "+
		"names the byte. So does a tar that is cut inside a member. A JSON array without its end, a Parquet file without "+
		"its footer, and a compressed stream that ends too early are refused. If the names of files say how many files "+
		"there are, such as train-00000-of-00012.parquet, a note names the missing ones. Some cuts do not show: JSONL "+
		"between two lines, and gzip (except bgzip), zstd, bzip2 or xz between two streams.", blank) + "\n")
	return b.String()
}

// outputs writes the list of the forms of --output-format.
func (p page) outputs(b *strings.Builder) {
	table := p >= pageWidth
	if table {
		b.WriteString("| FORM | file | records | images |\n| --- | --- | --- | --- |\n")
	}
	for _, o := range outputs {
		if o.single {
			continue
		}
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
		if table {
			fmt.Fprintf(b, "| `%s` | %s | %s with %s and %s | %s |\n", o.name, file, fields, o.role, content, images)
			continue
		}
		fmt.Fprintln(b, p.wrap(fmt.Sprintf("- `%s`: file %s; records have %s with %s and %s; images as %s", o.name, file,
			fields, o.role, content, images), blank))
	}
}

// sentence makes a sentence of a text: a capital letter and a full stop.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// pageWidth is the longest line of the page.
const pageWidth = 118

var (
	blank = regexp.MustCompile(` `)
	// betweenValues matches the blank before a value of an array or a key of an object.
	betweenValues = regexp.MustCompile(` ["{[]`)
)

// wrap breaks a text into lines, each as long as fits and ends before a match.
func (p page) wrap(text string, at *regexp.Regexp) string {
	var lines []string
	for len(text) > int(p) {
		breaks := at.FindAllStringIndex(text[:p], -1)
		if len(breaks) == 0 {
			break
		}
		end := breaks[len(breaks)-1][0]
		lines = append(lines, text[:end])
		text = text[end+1:]
	}
	return strings.Join(append(lines, text), "\n")
}
