package embedded

import "strings"

// A topic is a field of meaning that English words of a conversation hint at.
type topic int

const (
	place      topic = iota // where things are
	geometry                // figures and their measures
	colour                  // colours
	quality                 // shape, size, material, state
	count                   // how many
	puzzle                  // rules, conditions, patterns
	setting                 // surroundings
	being                   // people and animals
	deed                    // what they do
	kind                    // what exactly something is
	comparing               // more, less, alike
	cause                   // why, and what follows
	society                 // history, culture, politics, places of the world
	science                 // mathematics, natural science, medicine, engineering
	data                    // charts, tables, figures
	writing                 // text in the image
	describing              // captions and descriptions
	form                    // demands on the answer's form
	topicCount
)

// vocabulary lists the words of each topic, in lower case and in the singular.
var vocabulary = [topicCount]string{
	place: `left right above below under beneath behind front next between beside inside outside top bottom middle center
		centre corner near far further closer closest position located locate location region bounding coordinate where
		adjacent direction north south east west upper lower row column grid edge facing touching around surrounding onto`,
	geometry: `triangle square circle rectangle polygon pentagon hexagon octagon trapezoid parallelogram cube sphere
		cylinder cone pyramid angle radius diameter perimeter area volume length width height side parallel perpendicular
		vertex vertices diagonal segment arc tangent midpoint shaded unit`,
	colour: `color colour colored coloured red green blue yellow orange purple pink brown black white gray grey gold silver
		teal beige tan violet cyan magenta`,
	quality: `shape size small large big tall short long round wooden metal plastic glass striped wet dry old new young
		open closed empty full texture material wearing bright dark wide narrow thick thin`,
	count: `many count number several two three four five six seven eight nine ten each total pair dozen`,
	puzzle: `puzzle rule pattern missing sequence must possible cannot least fewest minimum maximum move exactly every
		either neither if then only unless follow following statement condition satisfy arrange game maze question consecutive
		probability hence therefore infer conclude correct remaining true false`,
	setting: `photo photograph picture scene room kitchen bathroom street road beach park field city sky outdoor indoor
		outside background mountain river lake water snow forest building house garden store restaurant office grass yard`,
	being: `man woman men women boy girl person people child children kid baby player group crowd dog cat horse bird cow
		sheep elephant bear animal couple lady guy`,
	deed: `happening doing activity action hold play jump run ride walk sit stand eat drink look watch catch throw lie lay
		lean climb swim fly carry cut wear surf ski smile pose talk cook drive`,
	kind: `species breed type kind category classify identify identity brand model flag logo landmark symbol named name
		which label main plant flower vehicle celebrity artist`,
	comparing: `compare compared comparing comparison than more most less fewer fewest higher highest lower lowest larger
		largest smaller smallest greater greatest better best difference different differ similar same both equal whereas
		unlike versus vs longer shorter older`,
	cause: `why because cause caused due lead reason effect affect result mislead misleading explain explanation
		consequence impact influence since exaggerate suggest imply despite therefore purpose prevent happens would could`,
	society: `country countries nation nationality flag history historical century war president government political
		politics party republican democrat democratic american public religion religious church culture cultural art artist
		painting novel poem book author language society social law immigrant immigration voter election population capital
		territory european china russia economy economic muslim christian catholic world ancient king queen museum`,
	science: `equation formula solve function variable fraction sum product integer prime digit ratio graph slope median
		mean probability theorem proof algebra calculate multiply divide subtract add cell blood platelet microscope tissue
		disease patient dna protein atom molecule chemical chemistry physics force energy temperature mass velocity voltage
		circuit biology organism planet gas acid species climate algorithm computer code software engine medical diagnosis
		latex mathematical expression`,
	data: `chart graph table plot axis bar pie histogram percentage percent trend data average median survey receipt total
		invoice schedule amount price cost rate value share statistic figure cell column row revenue sales quarter increase
		decrease increased decreased declined rose`,
	writing: `text read written transcribe transcription ocr say printed word title handwriting handwritten spelling sign
		caption receipt invoice date address total company document formula expression latex page newspaper`,
	describing: `describe description caption summarize summary summarise detail detailed thoroughly paragraph shown depict
		depicted see explain discuss write story essay sentence`,
	form: `json latex html xml csv yaml markdown format key token output list array object template style code bullet
		numbered separated example normalised normalized pattern form mapping return convert`,
}

// topicsOf maps each word of the vocabulary to its topics.
var topicsOf = func() map[string][]topic {
	index := map[string][]topic{}
	for t, words := range vocabulary {
		for w := range strings.FieldsSeq(words) {
			index[w] = append(index[w], topic(t))
		}
	}
	return index
}()

// notDeeds end in -ing but name no activity.
var notDeeds = func() map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(`thing something anything everything nothing morning evening building ceiling string spring
		king ring wing during being having missing following remaining bounding including according mentioning regarding
		clothing wedding painting reasoning meaning spelling handwriting comparing using`) {
		set[w] = true
	}
	return set
}()
