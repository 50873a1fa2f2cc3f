package forms

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
)

// Page returns README.md of this package, which documents the forms and containers.
func Page() string {
	return "# Forms of records\n\nGenerated from `Table` by `go test ./shared/dataset/forms -run Page -update`.\n\n" +
		page(pageWidth).text()
}

// Help returns the same text for a terminal of this many columns.
func Help(columns int) string { return page(columns).text() }

// A page is the largest number of columns of a line.
type page int

func (p page) text() string {
	var b strings.Builder
	b.WriteString(
		p.wrap("Harvest tries these forms in this order, and reads a record in the first form that fits it. `--format NAME` "+
			"(`format:` in dataset.yaml) reads all records in one form. In every form, `id` is the sample's id, and "+
			"`data_source`, `image_source` or `source` is its source. Harvest knows several names of each role, such as "+
			"`human` and `user`. Fields that no form reads stay in the record.", blank) + "\n\n" +
			p.wrap("A record may have conversations in the fields of two forms. Harvest reads one of them. If the other one "+
				"is equal to it, or a part of it, a conversion leaves the other one out. If the conversations differ, the "+
				"record fails (`two_conversations`). To choose one of them, give `--format`.", blank) + "\n")
	for _, form := range Table() {
		reads := sentence(form.Reads)
		fmt.Fprintf(&b, "\n## %s\n\n```json\n%s\n```\n\n%s\n", form.Name, p.wrap(form.Shape, betweenValues),
			p.wrap(reads, blank))
	}
	b.WriteString("\n# Containers\n\n")
	b.WriteString(p.wrap("These files contain images and records. The records have one of the forms above. Harvest "+
		"recognises such a file by its content. A subset is a file of the same kind, so all manifests of a dataset must be "+
		"of one kind. Images are read when their samples are scored. Runs do not copy them.", blank) + "\n")
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
	b.WriteString("\n# Conversions\n\n" + p.wrap("`--output-format FORM` writes a subset in another form, if no content "+
		"is lost. All values of a field then have one type. If content would be lost, nothing is written, and the error "+
		"names the content and the number of records. `harvest curate` tries the conversion with the first 20,000 records "+
		"before it scores, and warns if records would lose content. The same subset always gives the same bytes. Fields "+
		"that no form reads stay in the record.", blank) + "\n\n" +
		p.wrap("A record that already has the form, with these fields and types, is not changed: for example, it keeps the "+
			"weight of a turn, and needs no id. Only the names of copied images change. Any other record gets its id in the "+
			"run. Turns may have fields that no form reads, such as a weight. Such fields stay if the record differs from the "+
			"form only in its id, its images or its texts. Then only these change: a number as id becomes a text, the name of "+
			"one image becomes a list, and a text becomes a part if the form has content parts.", blank) + "\n\n")
	p.outputs(&b)
	b.WriteString("\n" + p.wrap("The subset is a JSON array or JSONL, like the manifests; for tars and Parquet files, it "+
		"is a JSON array. Images of tars and Parquet files become files in the folder `images` next to the subset. Each "+
		"image is written once, and its name is computed from its content. Records name images relative to the subset, so "+
		"the whole folder can be moved. In Parquet, the images are in a column that Hugging Face's datasets library shows. "+
		"The earlier names of copied images are in the list `image_names`, with null for an image without a name; in "+
		"Parquet, they are in `path`. A tar as `webdataset`, and a Parquet file as `parquet`, is copied.", blank) +
		"\n\n" + p.wrap("In Parquet, each field is a column. Its type is the type of its values: text, true or false, whole "+
		"numbers of 64 bits, numbers, lists and objects of these. It is null if the record does not have the field. If a "+
		"field has two types, the subset is refused, and the error names the field.", blank) +
		"\n\n" + p.wrap("In `trl` a prompt and its completion stay apart. Both are always lists of messages whose contents "+
		"are parts: some records may have texts and others messages, and a field has one type. So TRL applies the "+
		"model's chat template to them. A dataset of both kinds of records, with prompts and with messages, is refused "+
		"in `trl`, because TRL reads only one kind in a file. In the other forms they become turns. Trainers of those "+
		"forms train on each answer, and TRL on the completion alone. So a prompt that holds an answer is refused there, "+
		"and so is a completion that does not begin with one.", blank) +
		"\n\n" + p.wrap("Images without a place in the turns are put before the first question: on a line of their own in "+
		"a text, and as parts before the text where a form has parts.", blank) +
		"\n\n# Incomplete files\n\n" + p.wrap("If a file shows that it is incomplete, it is never read as a smaller "+
		"dataset. A tar without the zeros at its end, or a tar that ends inside a member, gets one more sample. This sample "+
		"fails, and the error names the byte. A JSON array without its end, a Parquet file without its footer, and an "+
		"incomplete compressed stream are refused. If file names state the number of files, such as "+
		"train-00000-of-00012.parquet, a note names the missing files. Some files do not show that they are incomplete: "+
		"JSONL that ends between two lines, and gzip (except bgzip), zstd, bzip2 or xz that ends between two streams.",
		blank) + "\n")
	return b.String()
}

// outputs writes the forms of --output-format, as a table or, for narrow lines, as a list.
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

// sentence returns a text as a sentence, with a capital letter and a full stop.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// pageWidth is the number of columns of README.md.
const pageWidth = 118

var (
	blank = regexp.MustCompile(` `)
	// betweenValues matches the blank before a value of an array or a key of an object.
	betweenValues = regexp.MustCompile(` ["{[]`)
)

// wrap breaks a text into lines at matches of at. Each line is as long as possible.
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
