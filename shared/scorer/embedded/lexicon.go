package embedded

import (
	"strings"
	"sync"
)

// functionWords are the grammatical words of English. Prose has many of them, lists and formulas have few.
const functionWords = `a an the and or but if then of in on at by for with from to into onto as is are was were be been
	being am it its this that these those there here he she they them their his her we our us you your i my me not no
	nor so than too very can could will would shall should may might must do does did done have has had having which who
	whom whose what when where why how all any both each few more most other some such only own same up down out over
	under again about between through`

const openerCount = 20

// openers are groups of words that show the kind of a question or task.
var openers = [openerCount]struct{ name, words string }{
	{"what", "what whats"},
	{"which", "which whichever"},
	{"who", "who whose whom"},
	{"where", "where"},
	{"when", "when year date"},
	{"why", "why reason"},
	{"how", "how"},
	{"many", "many much number count total"},
	{"polar", "is are was were do does did can could has have had will would should isn aren"},
	{"describe", "describe description caption summarize summarise depict narrate portray"},
	{"explain", "explain discuss analyze analyse interpret elaborate justify argue evaluate assess"},
	{"compare", "compare contrast differ difference differences versus"},
	{"solve", "find solve calculate compute determine evaluate prove simplify estimate derive"},
	{"read", "read transcribe transcription ocr recognise recognize extract spell"},
	{"convert", "convert translate rewrite transform format return output parse edit"},
	{"write", "write give create generate compose provide make design produce suggest draft"},
	{"list", "list enumerate name mention"},
	{"identify", "identify classify recognize recognise detect label categorize tag"},
	{"locate", "locate point detect ground box mark bound segment"},
	{"choose", "choose select pick option options choices"},
}

// An entry describes a word of the lexicon.
type entry struct {
	topics   []topic
	openers  []int
	function bool
}

// lexicon has an entry for each word of vocabulary, openers and functionWords.
var lexicon = sync.OnceValue(func() map[string]entry {
	index := map[string]entry{}
	note := func(words string, change func(*entry)) {
		for w := range strings.FieldsSeq(words) {
			e := index[w]
			change(&e)
			index[w] = e
		}
	}
	for t, words := range vocabulary {
		note(words, func(e *entry) { e.topics = append(e.topics, topic(t)) })
	}
	for i, o := range openers {
		note(o.words, func(e *entry) { e.openers = append(e.openers, i) })
	}
	note(functionWords, func(e *entry) { e.function = true })
	return index
})

// endings are the suffixes of plurals, of verb forms, of comparatives and of adverbs.
var endings = []string{"s", "es", "ed", "ing", "er", "ly"}

// topicsOfStem returns the topics of a word without its ending; nil if the stem is unknown. It tries the stem itself,
// the stem with a silent e, the stem with a single instead of a double consonant, and the stem with y instead of i.
func topicsOfStem(word string) []topic {
	for _, ending := range endings {
		stem, ends := strings.CutSuffix(word, ending)
		n := len(stem)
		if !ends || n < 3 {
			continue
		}
		if topics := lexicon()[stem].topics; topics != nil {
			return topics
		}
		if ending == "s" {
			continue
		}
		if topics := lexicon()[stem+"e"].topics; topics != nil {
			return topics
		}
		if n > 3 && stem[n-1] == stem[n-2] {
			if topics := lexicon()[stem[:n-1]].topics; topics != nil {
				return topics
			}
		}
		if body, cut := strings.CutSuffix(stem, "i"); cut {
			if topics := lexicon()[body+"y"].topics; topics != nil {
				return topics
			}
		}
	}
	return nil
}

// notActivities are words that end in -ing but name no activity.
var notActivities = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(`thing something anything everything nothing morning evening building ceiling
		string spring king ring wing during being having missing following remaining bounding including according
		mentioning regarding clothing wedding painting reasoning meaning spelling handwriting comparing using`) {
		set[w] = true
	}
	return set
})
