# Clubs on Sequel. Run by verein_sequel.py, which holds the labels: ruby verein_sequel.rb HOST USER DATABASE PREFIX
require "sequel"

HOST, USER, DATABASE, PREFIX = ARGV
OPTIONS = { host: HOST, user: USER, database: DATABASE, max_connections: 1 }
DB = Sequel.connect("postgres:///", **OPTIONS, search_path: "turnverein", after_connect: nil)

class Abteilung < Sequel::Model(DB[:abteilung])
  set_primary_key :abteilung_nr
  one_to_many :mitglieder, class: :Mitglied, key: :abteilung_nr
  many_to_one :leiter, class: :Mitglied, key: :leiter_nr
end
class Mitglied < Sequel::Model(DB[:mitglied])
  set_primary_key :mitglied_nr
  many_to_one :abteilung, class: :Abteilung, key: :abteilung_nr
  many_to_one :werber, class: :Mitglied, key: :geworben_von
  one_to_many :geworbene, class: :Mitglied, key: :geworben_von
  one_to_many :beitraege, class: :Beitrag, key: :mitglied_nr
  one_to_one :ausweis, class: :Ausweis, key: :mitglied_nr
end
class Beitrag < Sequel::Model(DB[:beitrag])
  set_primary_key :beitrag_nr
end
class Ausweis < Sequel::Model(DB[:ausweis])
  set_primary_key :mitglied_nr
end
class Ort < Sequel::Model(DB[:ort])
  set_primary_key :kuerzel
end
class Teilnahme < Sequel::Model(DB[:teilnahme])
  set_primary_key [:termin_nr, :mitglied_nr]
end
class Termin < Sequel::Model(DB[:termin])
  set_primary_key :termin_nr
  many_to_one :ort, class: :Ort, key: :ort_kuerzel
  many_to_many :teilnehmer, class: :Mitglied, join_table: :teilnahme, left_key: :termin_nr, right_key: :mitglied_nr
  one_to_many :zusagen, class: :Teilnahme, key: :termin_nr
end
class Mahnung < Sequel::Model(DB[:mahnung])
  set_primary_key :mahnung_nr
end

CASES = {
  "mitgliederliste" => -> { Mitglied.order(:nachname).limit(25).each { |m| m.abteilung.bezeichnung } },
  "beitraege" => -> { Mitglied.order(:nachname).limit(15).each { |m| m.beitraege.sum(&:betrag) } },
  "abteilungen" => -> { Abteilung.order(:bezeichnung).each { |a| a.mitglieder.size } },
  "leiter" => -> { Abteilung.each { |a| a.leiter.nachname } },
  "werber" => -> { Mitglied.where { mitglied_nr > 200 }.limit(15).each { |m| m.werber.nachname } },
  "geworbene" => -> { Mitglied.where(zahlungsart: "bar").limit(15).each { |m| m.geworbene.size } },
  "orte" => -> { Termin.order(:am).limit(20).all { |t| t.ort.anschrift } },
  "teilnehmer" => -> { Termin.order(:am).limit(10).each { |t| t.teilnehmer.map(&:nachname) } },
  "ausweise" => -> { Mitglied.limit(20).each { |m| m.ausweis.nummer } },
  "offene_summe" => -> { Mitglied.limit(15).each { |m| m.beitraege_dataset.exclude(bezahlt: true).sum(:betrag) } },
  "kalender" => -> { DB.transaction { Termin.limit(12).each { |t| t.ort.anschrift; t.zusagen_dataset.where(zusage: true).count } } },
  "stufen" => -> { Abteilung.limit(5).each { |a| a.mitglieder.first(4).each { |m| m.beitraege.size } } },
  "aus_der_datei" => -> { [3, 14, 15, 92, 65, 35, 89].each { |n| Ausweis.first(nummer: "AW#{n}") } },
  "mahnlauf" => -> { DB.transaction { Mahnung.where(versandt: nil).limit(12).each { |m| m.update(text: "dringend #{rand}") } } },
  "kontrolle" => lambda do
    # Plain data sets, as reports are written.
    DB[:mitglied].select(:mitglied_nr, :nachname).where(zahlungsart: "bar").limit(12).each do |row|
      DB[:beitrag].where(mitglied_nr: row[:mitglied_nr], jahr: 2022).first
    end
  end,
  "eager" => -> { Mitglied.order(:nachname).limit(40).eager(:abteilung, :beitraege).all { |m| m.beitraege.size } },
  "eager_graph" => -> { Termin.eager_graph(:ort).limit(40).all { |t| t.ort.anschrift } },
  "paged_each" => -> { DB.transaction { Mitglied.order(:mitglied_nr).paged_each(rows_per_fetch: 20) { |m| m.nachname } } },
  "multi_insert" => -> { DB[:mahnung].multi_insert((1..60).map { |n| { mitglied_nr: n, text: "viel" } }) },
  "anmeldung" => lambda do
    8.times do |n|
      nummer = "NEU#{Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)}"
      next unless Ausweis.where(nummer: nummer).empty?
      Ausweis.insert(mitglied_nr: 1000 + Ausweis.max(:mitglied_nr), nummer: nummer)
    end
  end,
  "schalter" => lambda do
    # The desk: one member after the other asks, with a minute's talk in between (here 30 to 90 ms).
    10.times do |n|
      m = Mitglied[n * 13 + 2]
      m.abteilung.bezeichnung
      m.beitraege.size
      sleep 0.03 + 0.006 * n
    end
  end,
  "warten" => -> { 9.times { DB[:mahnung].where(text: "sofort").count; sleep 0.07 } },
  "postausgang" => lambda do
    8.times do
      DB.transaction do
        m = Mahnung.where(versandt: nil).order(:mahnung_nr).limit(1).for_update.skip_locked.first
        DB[:mitglied].where(mitglied_nr: m.mitglied_nr).get(:nachname)
        m.update(versandt: Time.now)
      end
    end
  end,
  "monatsweise" => -> { (1..9).each { |n| DB[:mitglied].where { (eintritt >= Date.new(2010, n, 1)) & (eintritt < Date.new(2010, n + 1, 1)) }.count } },
}

CASES.each do |name, run|
  DB.disconnect
  DB.opts[:after_connect] = proc { |c| c.exec("SET application_name TO '#{PREFIX}#{name}'") }
  DB.pool.instance_variable_set(:@after_connect, DB.opts[:after_connect])
  %w[turnverein chor feuerwehr].each do |club|
    DB.run("SET search_path TO #{club}")
    run.call
    sleep 0.3
  end
end
