"""The tags of the PDF, by which a screen reader knows a heading, a list, a table or a figure, and its description.

The browser tags each printed page of the site as a document of its own, and pypdf, which joins them, leaves the tags
behind. Here the trees of all parts become one tree, and each mark in a page's content and each link is told its
element in it. PDF calls the tree's nodes structure elements; what is written here follows ISO 32000-1, 14.7.
"""

from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DictionaryObject,
    NameObject,
    NullObject,
    NumberObject,
    TextStringObject,
)

#: A description that begins so is a formula's TeX: print_pdf.py has given it to what the browser takes for a figure.
FORMULA = "\\("
#: Elements whose content goes to the element around them: a part's root, and what means nothing, which the browser
#: writes for each coloured word of code and which is nine of ten elements.
LEFT_OUT = ("/Document", "/NonStruct")
#: What is kept of an element. Not its name, which another part may have as well and only /Headers refers to.
KEPT = ("/ActualText", "/Alt", "/Lang")


class TagTree:
    """The tags of a whole PDF, to which those of one part after another are added."""

    def __init__(self, writer):
        self.writer = writer
        self.parts = ArrayObject()
        self.document = writer._add_object(element("/Document"))
        self.owners = ArrayObject()  # the element of each link, and for each page those of its marks

    def add(self, reader, first):
        """Add the tags of a part, whose pages the PDF has already, from page ``first`` on (counted from 0)."""
        pages = self.writer.pages[first : first + len(reader.pages)]
        part = Part(self, reader, pages)
        kids = part.kids(reader.trailer["/Root"]["/StructTreeRoot"])
        # What stands in no element is the paper's colour.
        loose = [kid for kid in kids if not is_element(kid)]
        kids = [kid for kid in kids if is_element(kid)]
        if loose:
            kids.append(part.write(element("/NonStruct"), loose))
        for kid in kids:
            kid.get_object()[NameObject("/P")] = self.document
            self.parts.append(kid)
        for page, marks in zip(pages, part.marks, strict=True):
            owners = ArrayObject(marks.get(number, NullObject()) for number in range(max(marks, default=-1) + 1))
            page[NameObject("/StructParents")] = self.owned_by(self.writer._add_object(owners))

    def owned_by(self, owner):
        """Return the number under which an element, or a page's list of elements, is found."""
        self.owners.append(owner)
        return NumberObject(len(self.owners) - 1)

    def finish(self, language):
        """Write the tree's root, and that the PDF is tagged, into the PDF."""
        self.document.get_object()[NameObject("/K")] = self.parts
        self.document.get_object()[NameObject("/Lang")] = TextStringObject(language)
        number = len(self.owners)
        numbered = ArrayObject(item for key in range(number) for item in (NumberObject(key), self.owners[key]))
        owners = self.writer._add_object(dictionary(Nums=numbered))
        root = self.writer._add_object(
            dictionary("StructTreeRoot", K=self.document, ParentTree=owners, ParentTreeNextKey=NumberObject(number))
        )
        self.document.get_object()[NameObject("/P")] = root
        catalog = self.writer.root_object
        catalog[NameObject("/StructTreeRoot")] = root
        catalog[NameObject("/MarkInfo")] = dictionary(Marked=BooleanObject(True))
        catalog[NameObject("/Lang")] = TextStringObject(language)


class Part:
    """The tags of one printed part, as they are read from it and written into the PDF."""

    def __init__(self, tree, reader, pages):
        self.tree = tree
        self.pages = pages
        self.numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages)}
        self.marks = [{} for _ in pages]  # for each page, the element of each mark in its content
        self.links = {
            reference.get_object()["/StructParent"]: reference
            for page in pages
            for reference in page.get("/Annots", ())
            if "/StructParent" in reference.get_object()
        }

    def kids(self, old):
        """Return what an element holds: new elements, references to links, and marks as pairs of page and number."""
        found, kids = [], old.get("/K", NullObject()).get_object()
        for kid in kids if isinstance(kids, list) else [kids]:
            kid = kid.get_object()
            if isinstance(kid, NumberObject):
                found.append((self.page_of(old), kid))
            elif not isinstance(kid, DictionaryObject):
                continue
            elif kid.get("/Type") == "/MCR":
                # A mark in a form, such as half-transparent text, is not counted by pages; print.css leaves none.
                if "/Stm" not in kid:
                    found.append((self.page_of(kid if "/Pg" in kid else old), kid["/MCID"]))
            elif kid.get("/Type") == "/OBJR":
                link = self.links.get(kid["/Obj"].get("/StructParent"))
                if link is not None:  # else it led to a file that is no page of the book
                    found.append(link)
            elif kid["/S"] in LEFT_OUT:
                found += self.kids(kid)
            elif inner := self.kids(kid):
                found.append(self.write(described(kid), inner))
        return found

    def page_of(self, old):
        """Return the number of the page on which an element, or a mark, stands."""
        return self.numbers[old.raw_get("/Pg").idnum]

    def write(self, new, kids):
        """Write an element with what it holds into the PDF and return a reference to it."""
        reference = self.tree.writer._add_object(new)
        here = next((kid[0] for kid in kids if isinstance(kid, tuple)), None)
        if here is not None:
            new[NameObject("/Pg")] = self.pages[here].indirect_reference
        new[NameObject("/K")] = ArrayObject(self.written(kid, reference, here) for kid in kids)
        return reference

    def written(self, kid, owner, here):
        """Return what stands for a mark, a link or an element in its owner, which is on a page."""
        if isinstance(kid, tuple):
            page, number = kid
            self.marks[page][number] = owner
            if page == here:
                return number
            return dictionary("MCR", Pg=self.pages[page].indirect_reference, MCID=number)
        found = kid.get_object()
        if is_element(kid):
            found[NameObject("/P")] = owner
            return kid
        found[NameObject("/StructParent")] = self.tree.owned_by(owner)
        return dictionary("OBJR", Obj=kid)


def dictionary(kind=None, **entries):
    """Return a PDF's dictionary, of a type if there is one, with entries by their names without the slash."""
    found = {NameObject(f"/{key}"): value for key, value in entries.items()}
    return DictionaryObject(found if kind is None else {NameObject("/Type"): NameObject(f"/{kind}"), **found})


def element(kind):
    """Return an element that holds nothing yet."""
    return dictionary("StructElem", S=NameObject(kind))


def is_element(kid):
    """Return whether what an element holds is an element too, neither a mark nor a link."""
    return not isinstance(kid, tuple) and kid.get_object().get("/Type") == "/StructElem"


def described(old):
    """Return an element that says what an old one says of itself: its kind, its description, a table's spans."""
    new = element("/Formula" if old.get("/Alt", "").startswith(FORMULA) else old["/S"])
    for key in KEPT:
        if key in old:
            new[NameObject(key)] = TextStringObject(old[key])
    # Which cells are a row's or a column's heading says /Scope; a span of one is what there is without it.
    kept = [each for each in old.get("/A", ()) if not {"/Headers"} & each.keys() and 1 not in each.values()]
    if kept:
        new[NameObject("/A")] = ArrayObject(
            DictionaryObject({NameObject(key): value for key, value in each.items()}) for each in kept
        )
    return new
