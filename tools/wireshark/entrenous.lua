-- Wireshark dissector for the Entrenous channel (docs/spec/channel.md): the preface, the two handshake messages with
-- their fields, and the records by length. It finds connections on any port by their preface, and has no keys: what a
-- record carries is for `entrenous pcap --keylog`. How to install it: docs/how-to/wireshark.md.

local entrenous = Proto("entrenous", "Entrenous channel")

local PORT = 7443
local MAGIC, PREFACE_SIZE, VERSION = "ENTR", 6, 1
local HEADER_SIZE, TAG_SIZE = 2, 16
-- What a proxy puts in front of a client's bytes (the PROXY protocol, version 2): a signature, and the rest by length.
local PROXY_SIGNATURE, PROXY_HEADER_SIZE = "\r\n\r\n\0\r\nQUIT\n", 16
-- A record is a kind and a tag at the least.
local LEAST_RECORD, MOST_SECOND_MESSAGE = 1 + TAG_SIZE, 8192
local SUITE_NAMES = {
    [1] = "hybrid: Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256",
    [2] = "classic: Noise_NX_FFDHE2048_AESGCM_SHA256",
}
-- Bytes of a Diffie-Hellman key, and of ML-KEM-768's key and ciphertext where the suite has them.
local SUITES = {
    [1] = { dh = 32, kem_key = 1184, kem_ciphertext = 1088 },
    [2] = { dh = 256, kem_key = 0, kem_ciphertext = 0 },
}

local f = {
    kind = ProtoField.string("entrenous.kind", "Kind"),
    from_client = ProtoField.bool("entrenous.from_client", "From the client"),
    magic = ProtoField.string("entrenous.preface.magic", "Magic"),
    version = ProtoField.uint8("entrenous.preface.version", "Version"),
    suite = ProtoField.uint8("entrenous.preface.suite", "Suite", base.DEC, SUITE_NAMES),
    length = ProtoField.uint16("entrenous.length", "Length"),
    e = ProtoField.bytes("entrenous.handshake.e", "e: ephemeral public key"),
    e1 = ProtoField.bytes("entrenous.handshake.e1", "e1: ML-KEM-768 encapsulation key"),
    ekem1 = ProtoField.bytes("entrenous.handshake.ekem1", "ekem1: ML-KEM-768 ciphertext, encrypted"),
    s = ProtoField.bytes("entrenous.handshake.s", "s: static public key, encrypted"),
    certificate = ProtoField.bytes("entrenous.handshake.certificate", "Certificate, encrypted"),
    record = ProtoField.bytes("entrenous.record", "Record, encrypted"),
    tag = ProtoField.bytes("entrenous.record.tag", "AES-256-GCM tag"),
}
entrenous.fields = f

local e = {
    malformed = ProtoExpert.new("entrenous.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR),
    alert = ProtoExpert.new("entrenous.alert", "Alert: its sender gave up", expert.group.SEQUENCE, expert.severity.WARN),
    version = ProtoExpert.new("entrenous.unknown", "Unknown version or suite", expert.group.UNDECODED, expert.severity.NOTE),
}
entrenous.experts = e

-- Fields have values only where somebody asks for a tree. So connections are not known by tcp.stream.
local tcp_lost_segment = Field.new("tcp.analysis.lost_segment")
-- The latest connection between two ends, and the one of each packet. A connection: who the client is, its suite, by
-- which bytes each side's first message is known again, and from which packet on nobody knows where a side's frames
-- begin, because the capture has lost bytes.
local latest, connections = {}, {}
-- Bytes that tell an opening sent again from another one: the preface, a length and a fresh public key.
local OPENING_SIZE = PREFACE_SIZE + HEADER_SIZE + 32

function entrenous.init()
    latest, connections = {}, {}
end

local function sender_of(pinfo)
    return tostring(pinfo.src) .. ":" .. pinfo.src_port
end

-- The connection that this packet belongs to, nil if its preface was not seen; `opening` begins with a preface.
local function connection_of(pinfo, opening)
    local known = connections[pinfo.number]
    if known == nil and not pinfo.visited then
        local sender, receiver = sender_of(pinfo), tostring(pinfo.dst) .. ":" .. pinfo.dst_port
        local ends = sender < receiver and sender .. receiver or receiver .. sender
        known = latest[ends]
        if opening and (known == nil or known.opening ~= opening) then
            known = { opening = opening, client = sender, first = {}, lost = {} }
            latest[ends] = known
        end
        connections[pinfo.number] = known
    end
    return known
end

-- Whether this frame is the first one of its side. Packets are dissected again and in any order, so it is known by its
-- bytes: it begins with a fresh public key.
local function is_first(connection, side, content, pinfo)
    local begin = content:len() > 0 and content(0, math.min(content:len(), 32)):bytes():tohex() or ""
    if connection.first[side] == nil and not pinfo.visited then
        connection.first[side] = begin
    end
    return connection.first[side] == begin
end

-- Cut `content` into fields of these sizes; false if it is too short. The last field takes the rest.
local function cut(tree, content, parts)
    local place = 0
    for number, part in ipairs(parts) do
        local size = number == #parts and part.size == nil and content:len() - place or part.size
        if size > 0 then
            if place + size > content:len() then
                return false
            end
            tree:add(part.field, content(place, size))
            place = place + size
        end
    end
    return place == content:len()
end

local function first_message(tree, content, suite)
    return cut(tree, content, { { field = f.e, size = suite.dh }, { field = f.e1, size = suite.kem_key } })
end

local function second_message(tree, content, suite)
    local ciphertext = suite.kem_ciphertext > 0 and suite.kem_ciphertext + TAG_SIZE or 0
    return content:len() <= MOST_SECOND_MESSAGE and cut(tree, content, {
        { field = f.e, size = suite.dh },
        { field = f.ekem1, size = ciphertext },
        { field = f.s, size = suite.dh + TAG_SIZE },
        { field = f.certificate },
    })
end

local function record(tree, content)
    if content:len() < LEAST_RECORD then
        return false
    end
    tree:add(f.record, content())
    tree:add(f.tag, content(content:len() - TAG_SIZE, TAG_SIZE))
    return true
end

-- One frame, whole: what it is, as text for the packet list.
local function dissect_frame(range, pinfo, tree, connection, from_client)
    local size = range:len() - HEADER_SIZE
    local suite = SUITES[connection.suite]
    local subtree = tree:add(entrenous, range)
    subtree:add(f.from_client, from_client):set_generated()
    subtree:add(f.length, range(0, HEADER_SIZE))
    local kind, is_well_formed
    if size == 0 then
        kind, is_well_formed = "alert", true
        subtree:add_proto_expert_info(e.alert)
    else
        local content = range(HEADER_SIZE, size):tvb()
        local side = from_client and "client" or "server"
        if suite ~= nil and is_first(connection, side, content, pinfo) then
            kind = from_client and "handshake 1" or "handshake 2"
            is_well_formed = (from_client and first_message or second_message)(subtree, content, suite)
        else
            kind, is_well_formed = "record", record(subtree, content)
        end
    end
    subtree:add(f.kind, kind):set_generated()
    subtree:append_text(string.format(", %s, %d bytes", kind, size))
    if not is_well_formed then
        subtree:add_proto_expert_info(e.malformed)
        kind = "malformed " .. kind
    end
    return string.format("%s (%d)", kind, size)
end

local function dissect_preface(range, pinfo, tree, connection)
    local subtree = tree:add(entrenous, range)
    subtree:add(f.magic, range(0, 4))
    subtree:add(f.version, range(4, 1))
    subtree:add(f.suite, range(5, 1))
    subtree:add(f.kind, "preface"):set_generated()
    local version, suite = range(4, 1):uint(), range(5, 1):uint()
    if not pinfo.visited then
        connection.suite = suite
    end
    if version ~= VERSION or SUITES[suite] == nil then
        subtree:add_proto_expert_info(e.version)
    end
    subtree:append_text(", preface")
    return "preface, suite " .. (SUITE_NAMES[suite] or tostring(suite)):match("^[^:]+")
end

-- How long the proxy's header is at the beginning of these bytes.
local function proxy_header_size(tvb)
    if tvb:len() < PROXY_HEADER_SIZE or tvb:raw(0, #PROXY_SIGNATURE) ~= PROXY_SIGNATURE then
        return 0
    end
    return PROXY_HEADER_SIZE + tvb(PROXY_HEADER_SIZE - 2, 2):uint()
end

local function is_preface(tvb, place)
    return tvb:len() - place >= PREFACE_SIZE and tvb:raw(place, #MAGIC) == MAGIC
end

-- Whether a preface may be here once more bytes have come.
local function is_part_of_preface(tvb, place)
    local magic = tvb:len() > place and tvb:raw(place):sub(1, #MAGIC) or ""
    return tvb:len() - place < PREFACE_SIZE and magic == MAGIC:sub(1, #magic)
end

-- The whole frames from `place` on, each told; the rest waits for the segments that it lacks.
local function dissect_frames(tvb, place, pinfo, tree, connection, told)
    local from_client = connection.client == sender_of(pinfo)
    local side = from_client and "client" or "server"
    while place < tvb:len() do
        local left = tvb:len() - place
        local size = left < HEADER_SIZE and HEADER_SIZE or HEADER_SIZE + tvb(place, HEADER_SIZE):uint()
        if left < size and tvb:len() == tvb:reported_len() then
            pinfo.desegment_offset = place
            pinfo.desegment_len = left < HEADER_SIZE and DESEGMENT_ONE_MORE_SEGMENT or size - left
            break
        elseif left < size then
            told[#told + 1] = "cut by the capture"
            break
        end
        told[#told + 1] = dissect_frame(tvb(place, size), pinfo, tree, connection, from_client)
        place = place + size
    end
    if tvb:len() < tvb:reported_len() then
        connection.lost[side] = connection.lost[side] or pinfo.number + 1
    end
    if #told > 0 then
        pinfo.cols.info = side .. ": " .. table.concat(told, ", ")
    end
end

-- Nothing is dissected of a connection whose preface was not seen: where a record begins only the bytes before it say.
function entrenous.dissector(tvb, pinfo, tree)
    local place, told = proxy_header_size(tvb), {}
    local has_preface = is_preface(tvb, place)
    local opening = has_preface and tvb:raw(place):sub(1, OPENING_SIZE) or nil
    local connection = connection_of(pinfo, opening)
    if connection == nil and is_part_of_preface(tvb, place) then
        pinfo.desegment_offset = 0
        pinfo.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
        return tvb:len()
    elseif connection == nil then
        return 0
    end
    if has_preface and connection.opening == opening then
        told[1] = dissect_preface(tvb(place, PREFACE_SIZE), pinfo, tree, connection)
        place = place + PREFACE_SIZE
    else
        place = 0
    end
    pinfo.cols.protocol = "Entrenous"
    local side = connection.client == sender_of(pinfo) and "client" or "server"
    if tcp_lost_segment() then
        connection.lost[side] = math.min(connection.lost[side] or pinfo.number, pinfo.number)
    end
    if connection.lost[side] and pinfo.number >= connection.lost[side] then
        pinfo.cols.info = side .. ": after bytes that the capture has lost"
    else
        dissect_frames(tvb, place, pinfo, tree, connection, told)
    end
    return tvb:len()
end

local function heuristic(tvb, pinfo, tree)
    local place = proxy_header_size(tvb)
    if not is_preface(tvb, place) or tvb(place + 4, 1):uint() ~= VERSION then
        return false
    end
    pinfo.conversation = entrenous
    entrenous.dissector(tvb, pinfo, tree)
    return true
end

entrenous:register_heuristic("tcp", heuristic)
DissectorTable.get("tcp.port"):add(PORT, entrenous)
