package embedded

// vocabulary lists the words of each topic, in lower case and in the singular.
var vocabulary = [topicCount]string{
	place: `left right above below under beneath behind front next between beside inside outside top bottom middle
		center centre corner near far further closer closest position located locate location region bounding coordinate
		where adjacent direction north south east west upper lower row column grid edge facing touching around
		surrounding onto`,
	geometry: `triangle square circle rectangle polygon pentagon hexagon octagon trapezoid parallelogram cube sphere
		cylinder cone pyramid angle radius diameter perimeter area volume length width height side parallel
		perpendicular vertex vertices diagonal segment arc tangent midpoint shaded unit coordinate plane axis slope
		congruent similar degree`,
	colour: `color colour colored coloured red green blue yellow orange purple pink brown black white gray grey gold
		silver teal beige tan violet cyan magenta`,
	quality: `shape size small large big tall short long round wooden metal plastic glass striped wet dry old new young
		open closed empty full texture material wearing bright dark wide narrow thick thin`,
	count: `many count number several two three four five six seven eight nine ten each total pair dozen`,
	puzzle: `puzzle rule pattern missing sequence must possible cannot least fewest minimum maximum move exactly every
		either neither if then only unless follow following statement condition satisfy arrange game maze question
		consecutive probability hence therefore infer conclude correct remaining true false`,
	setting: `photo photograph picture scene room kitchen bathroom street road beach park field city sky outdoor indoor
		outside background mountain river lake water snow forest building house garden store restaurant office grass
		yard`,
	being: `man woman men women boy girl person people child children kid baby player group crowd dog cat horse bird cow
		sheep elephant bear animal couple lady guy`,
	activity: `happening doing activity action hold play jump run ride walk sit stand eat drink look watch catch throw
		lie lay
		lean climb swim fly carry cut wear surf ski smile pose talk cook drive`,
	identity: `species breed type kind category classify identify identity brand model flag logo landmark symbol named
		name which label main plant flower vehicle celebrity artist`,
	comparing: `compare compared comparing comparison than more most less fewer fewest higher highest lower lowest
		larger largest smaller smallest greater greatest better best difference different differ similar same both equal
		whereas unlike versus vs longer shorter older`,
	cause: `why because cause caused due lead reason effect affect result mislead misleading explain explanation
		consequence impact influence since exaggerate suggest imply despite therefore purpose prevent happens would
		could`,
	society: `country countries nation nationality flag history historical century war president government political
		politics party republican democrat democratic american public religion religious church culture cultural art
		artist painting novel poem book author language society social law immigrant immigration voter election
		population capital territory european china russia economy economic muslim christian catholic world ancient king
		queen museum`,
	science: `equation formula solve function variable fraction sum product integer prime digit ratio graph slope median
		mean probability theorem proof algebra calculate multiply divide subtract add cell blood platelet microscope
		tissue disease patient dna protein atom molecule chemical chemistry physics force energy temperature mass
		velocity voltage circuit biology organism planet gas acid species climate algorithm computer code software
		engine medical diagnosis latex mathematical expression`,
	data: `chart graph table plot axis bar pie histogram percentage percent trend data average median survey receipt
		total invoice schedule amount price cost rate value share statistic figure cell column row revenue sales quarter
		increase decrease increased decreased declined rose`,
	writing: `text read written transcribe transcription ocr say printed word title handwriting handwritten spelling
		sign caption receipt invoice date address total company document formula expression latex page newspaper`,
	describing: `describe description caption summarize summary summarise detail detailed thoroughly paragraph shown
		depict depicted see explain discuss write story essay sentence`,
	form: `json latex html xml csv yaml markdown format key token output list array object template style code bullet
		numbered separated example normalised normalized pattern form mapping return convert`,
	animal: `dog cat horse bird cow sheep elephant bear zebra giraffe lion tiger wolf fox monkey ape rabbit mouse rat
		squirrel deer goat pig duck goose chicken rooster eagle owl parrot penguin fish shark whale dolphin turtle snake
		lizard frog crocodile insect bee butterfly spider ant beetle crab puppy kitten pet breed species mammal reptile
		wildlife fur feather tail paw beak wing raccoon kangaroo camel`,
	food: `food meal plate bowl dish pizza sandwich burger bread cake pie cookie donut chocolate candy fruit apple
		banana orange grape strawberry lemon vegetable carrot broccoli salad tomato potato onion rice pasta noodle soup
		meat beef chicken egg cheese butter milk coffee tea juice wine beer bottle cup drink sauce restaurant kitchen
		cook bake recipe ingredient breakfast lunch dinner dessert`,
	plant: `plant tree flower leaf leaves grass bush rose tulip daisy palm pine oak branch stem root seed petal garden
		forest moss fern crop wheat corn`,
	vehicle: `car truck bus train bicycle bike motorcycle motorbike airplane plane aircraft jet helicopter boat ship
		ferry van taxi tractor wagon tram subway locomotive engine wheel driver passenger traffic parked vehicle
		automobile scooter skateboard wheelchair`,
	body: `head face eye ear nose mouth lip tooth teeth hair beard neck shoulder arm hand finger thumb chest back
		stomach leg knee foot feet toe skin heart lung brain liver kidney bone muscle blood spine skull rib organ`,
	clothing: `shirt pants jeans dress skirt jacket coat sweater hat cap helmet glove shoe boot sock tie suit uniform
		scarf glasses sunglasses belt bag backpack purse umbrella watch jewelry necklace ring wearing dressed costume`,
	indoors: `table chair couch sofa bed desk lamp shelf cabinet drawer door window curtain carpet rug floor wall
		ceiling mirror sink toilet bathtub shower oven stove refrigerator fridge microwave toaster television tv clock
		vase pillow blanket room bedroom bathroom kitchen fork knife spoon plate cup bowl bottle book laptop keyboard
		remote`,
	street: `street road sidewalk crosswalk intersection highway bridge building tower house church store shop bench
		hydrant pole lamp sign traffic light signal parking lot fence gate station platform track city town village
		square`,
	nature: `sky cloud sun sunset moon star mountain hill valley river lake sea ocean beach sand wave coast island
		desert rock cliff waterfall snow ice rain storm fog wind weather forest field meadow landscape horizon planet
		earth volcano earthquake layer mantle crust orbit eclipse phase tide erosion`,
	sport: `ball baseball basketball football soccer tennis golf hockey volleyball cricket rugby swimming surfing skiing
		snowboard skate race racing athlete player team coach referee match game score goal bat racket net stadium court
		pitch field tournament champion medal olympic frisbee kite`,
	music: `music song singer band guitar piano violin drum trumpet concert orchestra opera dance dancer theater theatre
		stage actor actress film movie cinema director album melody rhythm composer`,
	visual: `painting painter sculpture statue portrait drawing sketch mural artwork artist museum gallery architecture
		cathedral temple palace castle monument style gothic baroque renaissance impressionist abstract canvas engraving
		mosaic fresco ornament landscape brushstroke sculptor watercolor oil print poster illustration cartoon`,
	faith: `god church temple mosque bible prayer priest pope saint monk christian catholic protestant muslim islam
		jewish hindu buddhist religion religious holy sacred cross angel myth goddess altar ritual faith worship`,
	past: `history historical historic ancient medieval century war battle soldier army empire emperor king queen prince
		knight revolution colony colonial dynasty civilization era reign invasion treaty independence slavery
		archaeological origin founded`,
	ruling: `government president minister congress senate parliament party republican democrat election vote voter
		policy law legal court judge constitution right rights military political politics immigration citizen public
		official administration supporter approve disapprove opinion survey poll majority`,
	region: `country nation state city capital continent border territory flag america american united states europe
		european britain british england english france french germany german italy italian spain spanish russia russian
		china chinese japan japanese india indian africa african asia asian latin greek roman korea mexico brazil canada
		australia island language population`,
	money: `money price cost dollar cent euro pay paid payment cash change tax income profit loss revenue sales budget
		bank loan interest market stock trade company business customer product purchase buy sell sold discount invoice
		receipt salary wage economy economic financial investment account`,
	medicine: `medical medicine disease patient doctor hospital symptom diagnosis treatment drug dose surgery cancer
		tumor infection virus fever pain lesion scan ct mri xray radiograph ultrasound clinical therapy vaccine health
		nurse fracture chronic acute abnormal pathology radiology histology biopsy retina mammogram skin chest organ
		stain slide`,
	biology: `cell nucleus dna rna gene protein enzyme bacteria organism species evolution ecosystem food chain predator
		prey habitat photosynthesis membrane tissue chromosome mitosis larva egg adaptation trait genus plasma platelet
		microscope diagram lifecycle organ skeleton flower pollen digestive respiratory circulatory nervous`,
	chemistry: `chemical chemistry element atom molecule compound reaction acid base oxygen hydrogen carbon nitrogen
		sodium ion bond solution solvent concentration catalyst gas liquid solid mixture periodic electron oxidation
		polymer mole`,
	physics: `force energy mass velocity speed acceleration gravity friction pressure temperature heat light wave
		frequency wavelength electric magnetic magnet current voltage resistance circuit charge field lens mirror spring
		pendulum momentum motion particle quantum kinetic potential diagram experiment pulley lever incline prism
		refraction reflection beaker thermometer`,
	algebra: `equation variable function expression polynomial factor fraction exponent root square cube logarithm
		integer prime digit sum difference product quotient multiply divide subtract add inequality solve simplify
		coefficient matrix vector derivative integral limit sequence series theorem proof sine cosine tangent
		denominator numerator multiple divisible remainder`,
	statistics: `mean median mode range average percent percentage probability rate ratio proportion distribution sample
		frequency correlation variance deviation regression trend forecast estimate share majority third quarter half`,
	computing: `computer software program code algorithm function python java data database server network internet
		website web file folder variable loop array string input output bit byte memory processor app application user
		password machine learning model`,
	engineering: `engine machine mechanical gear pump valve pipe tool wire cable battery motor sensor device robot steel
		concrete beam bridge structure construction turbine generator blueprint component assembly`,
	paper: `document page paragraph title heading header footer section chapter letter form report article newspaper
		book text line word sentence table column row caption footnote signature date address name phone email invoice
		receipt total subtotal item quantity certificate contract resume manuscript printed handwritten digit digits
		numeral handwriting script cursive stamp letterhead memo slide presentation`,
	screen: `screen button menu icon click window tab browser app website link page login search bar scroll screenshot
		interface cursor keyboard notification settings profile desktop mobile swipe tap toolbar sidebar checkbox
		dropdown form field dialog popup`,
	brand: `brand logo sign label advertisement poster slogan product packaging bottle trademark company store billboard
		banner sticker model plate license licence barcode price packet wrapper advert magazine cover`,
	calendar: `time hour minute second day week month year decade morning afternoon evening night noon midnight clock
		watch calendar today yesterday tomorrow january february march april june july august september october november
		december monday tuesday wednesday thursday friday saturday sunday am pm date season spring summer autumn
		winter`,
	emotion: `happy sad angry afraid surprised excited calm bored tired proud worried smile smiling laugh cry feeling
		emotion mood love hate enjoy fun funny beautiful ugly good bad believe think opinion favorable unfavorable
		important essential satisfied concern`,
	pattern: `pattern sequence grid cell tile block piece board move puzzle game rule missing next symbol shape row
		column rotate rotation reflect mirror fold cut alternate repeat figure question mark maze path graph node edge
		vertex chess domino dice card`,
	order: `first second third next then finally before after begin start end step last previous following initially
		subsequently`,
	hedging: `maybe perhaps possibly probably likely unlikely appears seems might could suggest suggesting indicate
		indicating presumably assume`,
	composition: `part parts piece component side end edge surface top bottom front inside contain contains consist made
		include includes including`,
	likeness: `image picture photo photograph figure diagram scene view shot background foreground camera depicted shown
		visible appears aerial satellite drone closeup thumbnail meme comic cartoon caption panel`,
	exact: `exactly only directly single short brief word phrase letter final answer normalised normalized decimal round
		nearest unit separated keys`,
	nation: `afghanistan albania algeria angola argentina armenia australia austria azerbaijan bahamas bahrain
		bangladesh barbados belarus belgium belize benin bhutan bolivia bosnia botswana brazil brunei bulgaria burundi
		cambodia cameroon canada chad chile china colombia comoros congo croatia cuba cyprus czech denmark djibouti
		dominica ecuador egypt england eritrea estonia ethiopia fiji finland france gabon gambia georgia germany ghana
		greece grenada guatemala guinea guyana haiti honduras hungary iceland india indonesia iran iraq ireland israel
		italy jamaica japan jordan kazakhstan kenya kiribati korea kosovo kuwait kyrgyzstan laos latvia lebanon lesotho
		liberia libya liechtenstein lithuania luxembourg macedonia madagascar malawi malaysia maldives mali malta
		mauritania mauritius mexico micronesia moldova monaco mongolia montenegro morocco mozambique myanmar namibia
		nauru nepal netherlands nicaragua niger nigeria norway oman pakistan palau palestine panama paraguay peru
		philippines poland portugal qatar romania russia rwanda samoa scotland senegal serbia seychelles singapore
		slovakia slovenia somalia spain sudan suriname sweden switzerland syria taiwan tajikistan tanzania thailand togo
		tonga tunisia turkey turkmenistan tuvalu uganda ukraine uruguay uzbekistan vanuatu vatican venezuela vietnam
		wales yemen zambia zimbabwe usa uk european asian african american australian austrian belgian brazilian british
		canadian chinese cuban danish dutch egyptian english finnish french german greek hungarian indian iranian iraqi
		irish israeli italian japanese korean mexican norwegian polish portuguese romanian russian scottish spanish
		swedish swiss syrian thai turkish ukrainian vietnamese europe asia africa america americas`,
	action: `run walk ride jump play sit stand eat drink hold carry throw catch kick hit swing climb swim dive fly fall
		lie lay sleep lean look watch read write cut cook bake wash clean brush drive park push pull lift drop pour open
		close wear dress pose smile laugh cry talk speak sing dance perform celebrate fight wrestle race chase follow
		surf ski skate sail row paddle kayak fish hunt shoot aim point wave reach grab touch hug kiss shake cross turn
		roll slide slip skateboard bike hike camp dig plant feed pet train teach work build repair paint draw sew shop
		buy sell serve wait gather march travel land take bring put place hang tie wrap blow bite chew lick bark graze
		fetch leap balance crouch kneel bend stretch rest relax type dribble pitch bat strum knit sweep mop iron fold
		peel slice stir sip`,
	thought: `think believe know understand consider expect hope want need feel say tell ask answer report claim argue
		agree disagree support oppose favor view see regard remember learn decide prefer plan intend suppose conclude
		infer assume doubt worry trust describe mention note state`,
	change: `become grow rise increase decrease decline fall drop change shift turn move remain stay improve worsen
		expand shrink begin start stop end continue happen occur appear disappear break melt freeze boil burn cool heat
		react produce form create destroy prevent allow cause lead result affect reduce absorb release transfer store`,
	relation: `above below left right under over behind front beside between near far inside outside top bottom next
		adjacent around through across along toward away facing touching against attached parallel opposite within
		beyond upon`,
	quantity: `meter metre kilometer mile inch foot feet yard centimeter millimeter gram kilogram pound ounce ton liter
		gallon degree celsius fahrenheit hour minute second percent dollar hundred thousand million billion dozen half
		quarter twice double triple per each total amount`,
}
