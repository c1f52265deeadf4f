// Asks Bio-Formats about files, in one process, because a Java process takes seconds to start.
//
//   java -cp bioformats_package.jar BioFormats.java file...
//
// For each file: what its command-line tool `ImageInfo` prints (the file's format, sizes, resolutions, OME-XML), between
// the lines `>>> file` and `<<<`; then one line `schema: valid` or `schema: <why not>` for the OME-XML that stands in
// `file.xml`, checked against the 2016-06 schema that the package carries.
//
// It starts the tool by name and uses nothing of Bio-Formats itself.

import java.io.File;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import javax.xml.XMLConstants;
import javax.xml.transform.Source;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.Schema;
import javax.xml.validation.SchemaFactory;

public class BioFormats {
  public static void main(String[] files) throws Exception {
    Schema schema;
    try (InputStream xsd = BioFormats.class.getClassLoader().getResourceAsStream("released-schema/2016-06/ome.xsd")) {
      if (xsd == null) {
        throw new IllegalStateException("the package carries no 2016-06 schema");
      }
      // The JDK's own: the package carries an older one. Nothing is fetched, so that the schema of the namespace `xml`
      // has to be given: OME takes one attribute from it.
      SchemaFactory factory = SchemaFactory.newDefaultInstance();
      factory.setProperty(XMLConstants.ACCESS_EXTERNAL_SCHEMA, "");
      String xml = "<schema xmlns='http://www.w3.org/2001/XMLSchema' targetNamespace='http://www.w3.org/XML/1998/namespace'>"
          + "<attribute name='lang' type='language'/></schema>";
      String ome = new String(xsd.readAllBytes(), StandardCharsets.UTF_8)
          .replace("schemaLocation=\"http://www.w3.org/2001/xml.xsd\"", "");
      schema = factory.newSchema(new Source[] {
          new StreamSource(new StringReader(xml)), new StreamSource(new StringReader(ome))});
    }
    for (String file : files) {
      System.out.println(">>> " + file);
      String[] arguments = {"-no-upgrade", "-noflat", "-nopix", "-omexml", "-novalid", "-nometa", file};
      try {
        Class.forName("loci.formats.tools.ImageInfo").getMethod("main", String[].class).invoke(null, (Object) arguments);
      } catch (ReflectiveOperationException error) {
        System.out.println("failed: " + error.getCause());
      }
      try {
        schema.newValidator().validate(new StreamSource(new File(file + ".xml")));
        System.out.println("schema: valid");
      } catch (Exception error) {
        System.out.println("schema: " + error.getMessage());
      }
      System.out.println("<<<");
    }
  }
}
